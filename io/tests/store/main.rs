//! The store on real files, through its public interface.

mod damage;
mod fixture;
mod mutations;
mod opening;
mod pages;

//! Proof that core and wire need no std: this library has a panic handler of its own, and std another, so
//! if any dependency pulled std in, it would not link (error E0152).
#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;
use parsecd_core as _;
use parsecd_wire as _;

/// An allocator that has no memory: the library is linked and never run.
struct Empty;

// SAFETY: returning null is always allowed, and nothing that was not allocated is ever freed.
unsafe impl GlobalAlloc for Empty {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Empty = Empty;

#[panic_handler]
fn halt(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

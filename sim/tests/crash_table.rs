//! The table of crashes: in whole for one request, as a sample for two and three. `parsecd-sim --crash-table`
//! tells all of it.

use parsecd_sim::crash_table::{self, Points, one_request, requests, with_faults};
use parsecd_sim::provider::JobFault;
use parsecd_sim::scenario::{Request, Story};
use parsecd_wire::Status;

const EVERYWHERE: Points = Points { first: 1, second: Some(1) };

fn tell(stories: &[Story], points: Points) -> u64 {
    let told = crash_table::tell(stories, points, |_| {});
    assert_eq!(told.broken, None);
    told.stories
}

#[test]
fn without_a_crash_every_request_succeeds() {
    for owning in [false, true] {
        for request in Request::ALL {
            let ending = Story::of(owning, request).tell();
            assert_eq!(ending.told, [Some(Status::Success)], "{request:?}");
            assert_eq!(ending.violations, [""; 0], "{request:?}");
        }
    }
}

#[test]
fn a_request_is_done_or_not_done_after_any_two_crashes() {
    let told = tell(&one_request(), EVERYWHERE);
    assert!(told > 5000, "{told} stories");
}

#[test]
fn two_and_three_requests_are_done_or_not_done_after_a_crash_and_another_while_it_recovers() {
    let two = tell(&requests(2), Points { first: 3, second: Some(23) });
    let three = tell(&requests(3), Points { first: 13, second: None });
    assert!(two > 2000 && three > 2000, "{two} and {three} stories");
}

#[test]
fn jobs_that_end_in_doubt_leave_nothing_behind_in_two_requests() {
    let told = tell(&with_faults(requests(2)), Points { first: 11, second: None });
    assert!(told > 2000, "{told} stories");
}

#[test]
fn another_device_after_a_crash_finishes_nothing_until_the_right_one_is_back() {
    let owned = one_request().into_iter().filter(|story| story.owning);
    let other: Vec<_> = owned.map(|story| Story { other_device: true, ..story }).collect();
    tell(&other, Points { first: 1, second: None });
}

#[test]
fn a_lost_login_after_a_crash_forgets_nothing() {
    let owned = one_request().into_iter().filter(|story| story.owning && !story.jobs.is_empty());
    let lost = |story: Story| {
        let jobs = vec![story.jobs[0], JobFault::LoginLost, JobFault::LoginLost];
        Story { jobs, ..story }
    };
    let logged_out: Vec<_> = owned.filter(|story| story.requests != [Request::Sign]).map(lost).collect();
    tell(&logged_out, Points { first: 1, second: None });
}

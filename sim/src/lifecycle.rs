//! The legal transitions of requests and of key lives (design.md 2 and 3).

/// The state a request passes through while the core has it in hand.
pub const IN_HAND: &str = "Admitted";

/// Whether a request may go from one state to another. States in hand are left out.
pub fn request(from: &str, to: &str) -> bool {
    let next: &[&str] = match from {
        "Admitted" => &["Verifying", "Resolving", "Queued", "Collecting", "Deleting"],
        "Verifying" => &["Resolving", "Queued", "Collecting", "Deleting"],
        "Resolving" => &["Queued", "Following"],
        "Queued" => &["Running"],
        "Running" => &["Queued", "Running"],
        "Collecting" => &["Collecting"],
        _ => &[],
    };
    next.contains(&to)
}

/// Whether a key's life may go from one state to another; `None` is before and after it.
pub fn key_life(from: &str, to: &str) -> bool {
    let next: &[&str] = match from {
        "None" => &["Reserving", "Making", "Emptying", "Removing"],
        "Reserving" => &["Making", "Erasing", "Doubtful", "None"],
        "Making" => &["Publishing", "Removing", "Erasing", "None"],
        "Publishing" => &["Removing", "Doubtful", "None"],
        "Emptying" => &["Retiring", "Erasing", "Doubtful", "None"],
        "Retiring" => &["Removing", "Doubtful", "None"],
        "Removing" => &["Erasing", "None"],
        "Erasing" => &["Doubtful", "None"],
        "Doubtful" => &["Making", "Emptying", "Retiring", "Removing", "Erasing", "None"],
        _ => &[],
    };
    next.contains(&to)
}

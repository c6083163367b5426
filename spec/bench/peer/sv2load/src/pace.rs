//! When a connection of a paced load sends: connections spread evenly over the time between two sends of one.

use std::time::Duration;
use tokio::time::Instant;

pub struct Pace {
    every: Duration,
    /// Of the interval, how much passes before the first.
    phase: f64,
    next_at: Option<Instant>,
}

impl Pace {
    /// `every`: seconds between two sends of the connection with this index
    pub fn new(every: f64, index: usize) -> Self {
        Pace {
            every: Duration::from_secs_f64(every),
            phase: (index as f64 * 0.618_033_988_7).fract(),
            next_at: None,
        }
    }

    /// Whether it is time to send; the time of the next is set then.
    pub fn due(&mut self) -> bool {
        let now = Instant::now();
        let at = *self.next_at.get_or_insert(now + self.every.mul_f64(self.phase));
        if at > now {
            return false;
        }
        self.next_at = Some((at + self.every).max(now));
        true
    }

    /// When it is time; known once it was asked for the first time.
    pub fn next(&self) -> Option<Instant> {
        self.next_at
    }
}

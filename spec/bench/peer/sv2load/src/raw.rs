//! One connection without a protocol, to a server that answers so many bytes with so many others: what a share and its answer take
//! when nobody reads them.

use crate::pace::Pace;
use crate::stats::{add, Shared};
use crate::wire::{err, Res};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes of a request and of its answer.
#[derive(Clone, Copy)]
pub struct Lengths {
    pub request: usize,
    pub answer: usize,
}

pub async fn raw(shared: Rc<Shared>, index: usize, lengths: Lengths) {
    let s = &shared.stats;
    if let Err(reason) = connection(&shared, index, lengths).await {
        add(&s.dead, 1);
        *s.reasons.borrow_mut().entry(reason).or_default() += 1;
        s.changed.notify_one();
    }
}

async fn connection(shared: &Shared, index: usize, lengths: Lengths) -> Res<()> {
    let s = &shared.stats;
    let permit = shared.burst.acquire().await.map_err(err("semaphore"))?;
    let mut stream = TcpStream::connect(&shared.address)
        .await
        .map_err(err("connect"))?;
    stream.set_nodelay(true).map_err(err("nodelay"))?;
    drop(permit);
    add(&s.opened, 1);
    add(&s.with_job, 1);
    s.changed.notify_one();
    while !s.running.get() {
        shared.start.notified().await;
    }
    let mut pace = (shared.every > 0.0).then(|| Pace::new(shared.every, index));
    let mut pending: VecDeque<Instant> = VecDeque::new();
    let requests = vec![0u8; lengths.request * shared.window.max(1)];
    let mut buffer = vec![0u8; 16_384];
    let mut unread = 0;
    loop {
        let due = match &mut pace {
            Some(pace) => pace.due() as usize,
            None => shared.window.saturating_sub(pending.len()),
        };
        if due > 0 && s.running.get() {
            let now = Instant::now();
            pending.extend(std::iter::repeat(now).take(due));
            add(&s.sent, due as u64);
            stream
                .write_all(&requests[..due * lengths.request])
                .await
                .map_err(err("write"))?;
        }
        let read = match pace.as_ref().and_then(Pace::next) {
            Some(at) => tokio::select! {
                read = stream.read(&mut buffer) => read,
                _ = tokio::time::sleep_until(at) => continue,
            },
            None => stream.read(&mut buffer).await,
        };
        let read = read.map_err(err("read"))?;
        if read == 0 {
            return Err("closed".into());
        }
        unread += read;
        let now = Instant::now();
        while unread >= lengths.answer {
            unread -= lengths.answer;
            let at = pending.pop_front().ok_or("an answer that nobody asked for")?;
            add(&s.acked, 1);
            s.answered(now - at);
        }
    }
}

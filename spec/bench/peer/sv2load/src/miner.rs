//! One connection with one standard channel, from its handshake to its last share.

use crate::pace::Pace;
use crate::stats::{add, Shared};
use crate::wire::{connect, err, frame, open_standard, setup_connection, shake_hands, u32_at, Res};
use crate::work::Work;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How long a miner that was refused waits before it dials again.
const REDIAL: Duration = Duration::from_millis(500);

/// A miner: counts as dead when its connection has ended, unless it is to return.
pub async fn miner(shared: Rc<Shared>, index: usize) {
    let s = &shared.stats;
    loop {
        let Err(reason) = connection(&shared, index).await else {
            return;
        };
        if !shared.returning.get() {
            add(&s.dead, 1);
            *s.reasons.borrow_mut().entry(reason).or_default() += 1;
            s.changed.notify_one();
            return;
        }
        // spread, as miners are
        tokio::time::sleep(REDIAL.mul_f64(0.5 + (index as f64 * 0.618_033_988_7).fract())).await;
    }
}

async fn connection(shared: &Shared, index: usize) -> Res<()> {
    let s = &shared.stats;
    let window = shared.window;
    let permit = shared.burst.acquire().await.map_err(err("semaphore"))?;
    let began = Instant::now();
    let stream = connect(&shared.address).await?;
    if shared.returning.get() && s.there_again.get().is_none() {
        s.there_again.set(Some(Instant::now()));
    }
    let (mut rx, mut tx) = shake_hands(stream, &shared.key).await?;
    let mut p = Vec::with_capacity(256);
    tx.push(&setup_connection(0, 1, shared.port))?;
    tx.flush().await?;
    match rx.frame(&mut p).await? {
        0x01 => {}
        other => return Err(format!("SetupConnection answered with {other:#x}")),
    }
    tx.push(&open_standard(1, &format!("user{index}"), shared.hash_rate))?;
    tx.flush().await?;

    let mut permit = Some(permit);
    let mut channel = 0u32;
    let mut target_top = 0u64;
    let mut jobs: HashMap<u32, (u32, Vec<u8>)> = HashMap::new();
    let mut work: Option<Work> = None;
    let mut latest: Option<Work> = None;
    let mut tip: Option<(Vec<u8>, u32, u32)> = None;
    let mut pending: VecDeque<(u32, Instant)> = VecDeque::new();
    let mut sequence = 0u32;
    let mut tried = 0u64;
    let mut is_first_job = true;
    let mut pace = (shared.every > 0.0).then(|| Pace::new(shared.every, index));
    loop {
        while let Some(kind) = rx.next(&mut p)? {
            match kind {
                0x1c => {
                    let (last, count) = (u32_at(&p, 4), u32_at(&p, 8));
                    let now = Instant::now();
                    add(&s.acked, count as u64);
                    while pending.front().is_some_and(|(seq, _)| *seq <= last) {
                        let (_, at) = pending.pop_front().unwrap();
                        s.answered(now - at);
                    }
                }
                0x1d => {
                    add(&s.rejected, 1);
                    let seq = u32_at(&p, 4);
                    let reason = String::from_utf8_lossy(&p[9..]).into_owned();
                    *s.reasons.borrow_mut().entry(reason).or_default() += 1;
                    pending.retain(|(q, _)| *q != seq);
                }
                0x11 => {
                    channel = u32_at(&p, 4);
                    target_top = u64::from_le_bytes(p[32..40].try_into().unwrap());
                    s.target_top.set(target_top);
                    s.open_latencies
                        .borrow_mut()
                        .push(began.elapsed().as_micros() as u32);
                    add(&s.opened, 1);
                    s.changed.notify_one();
                }
                0x15 => {
                    let job_id = u32_at(&p, 4);
                    let (at, min_ntime) = if p[8] == 1 {
                        (13, Some(u32_at(&p, 9)))
                    } else {
                        (9, None)
                    };
                    let version = u32_at(&p, at);
                    let merkle = p[at + 4..at + 36].to_vec();
                    if let (Some(ntime), Some((prev, nbits, _))) = (min_ntime, &tip) {
                        latest = Some(Work::new(version, prev, &merkle, ntime, *nbits, job_id));
                    }
                    if !is_first_job {
                        add(&s.new_jobs, 1);
                        if min_ntime.is_some() {
                            s.jobs.borrow_mut().push(Instant::now());
                        }
                    }
                    jobs.insert(job_id, (version, merkle));
                }
                0x20 => {
                    let (job_id, ntime, nbits) = (u32_at(&p, 4), u32_at(&p, 40), u32_at(&p, 44));
                    let prev = p[8..40].to_vec();
                    if let Some((version, merkle)) = jobs.get(&job_id) {
                        let w = Work::new(*version, &prev, merkle, ntime, nbits, job_id);
                        latest = Some(w.clone());
                        work = Some(w); // what came before is stale
                    }
                    if is_first_job {
                        is_first_job = false;
                        permit = None;
                        add(&s.with_job, 1);
                        s.changed.notify_one();
                    } else {
                        add(&s.new_tips, 1);
                        let mut tips = s.tips.borrow_mut();
                        tips.entry(prev.clone().try_into().unwrap())
                            .or_default()
                            .push(Instant::now());
                    }
                    tip = Some((prev, nbits, ntime));
                }
                0x21 => add(&s.targets, 1), // for jobs to come
                0x12 => {
                    return Err(format!(
                        "OpenMiningChannel.Error {}",
                        String::from_utf8_lossy(&p[5..])
                    ))
                }
                0x18 => return Err("CloseChannel".into()),
                _ => {}
            }
        }
        let _ = (&permit, &latest);
        if s.running.get() && channel != 0 {
            if let Some(work) = &mut work {
                let mut n = 0;
                let mut allowed = match &mut pace {
                    Some(pace) => pace.due() as usize,
                    None => window.saturating_sub(pending.len()),
                };
                while allowed > 0 {
                    allowed -= 1;
                    let nonce = work.next(target_top.saturating_mul(shared.slack), &mut tried);
                    let mut share = [0u8; 24];
                    for (i, v) in [channel, sequence, work.job_id, nonce, work.ntime, work.version]
                        .iter()
                        .enumerate()
                    {
                        share[i * 4..i * 4 + 4].copy_from_slice(&v.to_le_bytes());
                    }
                    tx.push(&frame(0x8000, 0x1a, &share))?;
                    pending.push_back((sequence, Instant::now()));
                    sequence += 1;
                    n += 1;
                }
                if n > 0 {
                    add(&s.sent, n);
                    tx.flush().await?;
                }
                add(&s.tried, std::mem::take(&mut tried));
            }
        }
        let next_at = pace.as_ref().and_then(Pace::next);
        if let (true, Some(at)) = (s.running.get(), next_at) {
            tokio::select! {
                filled = rx.fill() => filled?,
                _ = tokio::time::sleep_until(at) => {}
            }
        } else if s.running.get() || is_first_job || window == 0 {
            rx.fill().await?;
        } else {
            tokio::select! {
                filled = rx.fill() => filled?,
                _ = shared.start.notified() => {}
            }
        }
    }
}

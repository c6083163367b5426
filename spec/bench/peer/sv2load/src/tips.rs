//! When the template provider tells of a tip.

use crate::wire::{dial, frame, setup_connection, Res};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

/// Tells of each tip as the template provider sends it.
pub async fn watch_tips(
    address: String,
    key: [u8; 32],
    tips: Rc<RefCell<Vec<([u8; 32], Instant)>>>,
    templates: Rc<RefCell<Vec<Instant>>>,
) -> Res<()> {
    let (mut rx, mut tx) = dial(&address, &key).await?;
    tx.push(&setup_connection(2, 0, 8442))?;
    tx.flush().await?;
    let mut p = Vec::new();
    rx.frame(&mut p).await?;
    let mut c = 200u32.to_le_bytes().to_vec();
    c.extend_from_slice(&10u16.to_le_bytes());
    tx.push(&frame(0, 0x70, &c))?;
    tx.flush().await?;
    loop {
        match rx.frame(&mut p).await? {
            0x71 if p[8] == 0 => templates.borrow_mut().push(Instant::now()),
            0x72 => tips
                .borrow_mut()
                .push((p[8..40].try_into().unwrap(), Instant::now())),
            _ => {}
        }
    }
}

//! Work: headers whose hash meets a target, from the midstate of their first 64 bytes.

use sha2::digest::generic_array::GenericArray;

const IV: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

#[derive(Clone)]
pub struct Work {
    mid: [u32; 8],
    tail: [u8; 64],
    nonce: u32,
    pub job_id: u32,
    pub ntime: u32,
    pub version: u32,
}

impl Work {
    pub fn new(version: u32, prev: &[u8], merkle: &[u8], ntime: u32, nbits: u32, job_id: u32) -> Work {
        let mut head = [0u8; 80];
        head[0..4].copy_from_slice(&version.to_le_bytes());
        head[4..36].copy_from_slice(prev);
        head[36..68].copy_from_slice(merkle);
        head[68..72].copy_from_slice(&ntime.to_le_bytes());
        head[72..76].copy_from_slice(&nbits.to_le_bytes());
        let mut mid = IV;
        sha2::compress256(&mut mid, &[*GenericArray::from_slice(&head[..64])]);
        let mut tail = [0u8; 64];
        tail[..16].copy_from_slice(&head[64..]);
        tail[16] = 0x80;
        tail[62..].copy_from_slice(&640u16.to_be_bytes());
        Work {
            mid,
            tail,
            nonce: 0,
            job_id,
            ntime,
            version,
        }
    }

    /// The next nonce whose hash is at most the target (little-endian words; only the top 64 bits are compared).
    pub fn next(&mut self, target_top: u64, tried: &mut u64) -> u32 {
        loop {
            let nonce = self.nonce;
            self.nonce += 1;
            *tried += 1;
            self.tail[12..16].copy_from_slice(&nonce.to_le_bytes());
            let mut a = self.mid;
            sha2::compress256(&mut a, &[*GenericArray::from_slice(&self.tail)]);
            let mut block = [0u8; 64];
            for (i, w) in a.iter().enumerate() {
                block[i * 4..i * 4 + 4].copy_from_slice(&w.to_be_bytes());
            }
            block[32] = 0x80;
            block[62..].copy_from_slice(&256u16.to_be_bytes());
            let mut b = IV;
            sha2::compress256(&mut b, &[*GenericArray::from_slice(&block)]);
            // the hash as a number: its last bytes are the highest
            let top = ((b[7].swap_bytes() as u64) << 32) | b[6].swap_bytes() as u64;
            if top < target_top {
                return nonce;
            }
        }
    }
}

//! Frames inside Noise, by the reference's own noise_sv2.

use noise_sv2::{Initiator, NoiseDecryptor, NoiseEncryptor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::TcpStream;

pub type Res<T> = Result<T, String>;

pub fn err<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> String {
    move |e| format!("{what}: {e}")
}

fn str255(out: &mut Vec<u8>, s: &str) {
    out.push(s.len() as u8);
    out.extend_from_slice(s.as_bytes());
}

pub fn frame(ext: u16, kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut f = Vec::with_capacity(6 + payload.len());
    f.extend_from_slice(&ext.to_le_bytes());
    f.push(kind);
    f.extend_from_slice(&(payload.len() as u32).to_le_bytes()[..3]);
    f.extend_from_slice(payload);
    f
}

pub fn setup_connection(protocol: u8, flags: u32, port: u16) -> Vec<u8> {
    let mut p = vec![protocol];
    p.extend_from_slice(&2u16.to_le_bytes());
    p.extend_from_slice(&2u16.to_le_bytes());
    p.extend_from_slice(&flags.to_le_bytes());
    str255(&mut p, "127.0.0.1");
    p.extend_from_slice(&port.to_le_bytes());
    for s in ["sv2load", "1", "1", "load"] {
        str255(&mut p, s);
    }
    frame(0, 0x00, &p)
}

pub fn open_standard(request_id: u32, user: &str, hash_rate: f32) -> Vec<u8> {
    let mut p = request_id.to_le_bytes().to_vec();
    str255(&mut p, user);
    p.extend_from_slice(&hash_rate.to_le_bytes());
    p.extend_from_slice(&[0xff; 32]);
    frame(0, 0x10, &p)
}

pub fn u32_at(p: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(p[at..at + 4].try_into().unwrap())
}

pub struct Tx {
    w: OwnedWriteHalf,
    enc: NoiseEncryptor,
    out: Vec<u8>,
    scratch: Vec<u8>,
}

impl Tx {
    pub fn push(&mut self, frame: &[u8]) -> Res<()> {
        self.scratch.clear();
        self.scratch.extend_from_slice(&frame[..6]);
        self.enc.encrypt(&mut self.scratch).map_err(err("encrypt"))?;
        self.out.extend_from_slice(&self.scratch);
        for chunk in frame[6..].chunks(65519) {
            self.scratch.clear();
            self.scratch.extend_from_slice(chunk);
            self.enc.encrypt(&mut self.scratch).map_err(err("encrypt"))?;
            self.out.extend_from_slice(&self.scratch);
        }
        Ok(())
    }

    pub async fn flush(&mut self) -> Res<()> {
        if !self.out.is_empty() {
            self.w.write_all(&self.out).await.map_err(err("write"))?;
            self.out.clear();
        }
        Ok(())
    }
}

pub struct Rx {
    r: OwnedReadHalf,
    dec: NoiseDecryptor,
    buf: Vec<u8>,
    start: usize,
    header: Option<(u8, usize)>,
    scratch: Vec<u8>,
}

impl Rx {
    /// The next whole frame in what has been read, if there is one.
    pub fn next(&mut self, payload: &mut Vec<u8>) -> Res<Option<u8>> {
        if self.header.is_none() {
            if self.buf.len() - self.start < 22 {
                return Ok(None);
            }
            self.scratch.clear();
            self.scratch
                .extend_from_slice(&self.buf[self.start..self.start + 22]);
            self.dec
                .decrypt(&mut self.scratch)
                .map_err(err("decrypt header"))?;
            self.start += 22;
            let h = &self.scratch;
            self.header = Some((h[2], h[3] as usize | (h[4] as usize) << 8 | (h[5] as usize) << 16));
        }
        let (kind, len) = self.header.unwrap();
        let chunks = (len + 65518) / 65519;
        let cipher = len + 16 * chunks;
        if self.buf.len() - self.start < cipher {
            return Ok(None);
        }
        payload.clear();
        let mut left = cipher;
        while left > 0 {
            let n = left.min(65535);
            self.scratch.clear();
            self.scratch
                .extend_from_slice(&self.buf[self.start..self.start + n]);
            self.dec.decrypt(&mut self.scratch).map_err(err("decrypt"))?;
            payload.extend_from_slice(&self.scratch);
            self.start += n;
            left -= n;
        }
        self.header = None;
        Ok(Some(kind))
    }

    pub async fn fill(&mut self) -> Res<()> {
        if self.start > 0 {
            let n = self.buf.len() - self.start;
            self.buf.copy_within(self.start.., 0);
            self.buf.truncate(n);
            self.start = 0;
        }
        let n = self.r.read_buf(&mut self.buf).await.map_err(err("read"))?;
        if n == 0 {
            return Err("closed by the server".into());
        }
        Ok(())
    }

    pub async fn frame(&mut self, payload: &mut Vec<u8>) -> Res<u8> {
        loop {
            if let Some(kind) = self.next(payload)? {
                return Ok(kind);
            }
            self.fill().await?;
        }
    }
}

pub fn authority(key: &str) -> Res<[u8; 32]> {
    let raw = bs58::decode(key)
        .with_check(None)
        .into_vec()
        .map_err(err("key"))?;
    raw[2..].try_into().map_err(|_| "key: wrong length".to_string())
}

pub async fn dial(address: &str, key: &[u8; 32]) -> Res<(Rx, Tx)> {
    shake_hands(connect(address).await?, key).await
}

pub async fn connect(address: &str) -> Res<TcpStream> {
    let stream = TcpStream::connect(address).await.map_err(err("connect"))?;
    stream.set_nodelay(true).map_err(err("nodelay"))?;
    Ok(stream)
}

pub async fn shake_hands(mut stream: TcpStream, key: &[u8; 32]) -> Res<(Rx, Tx)> {
    let mut initiator = Initiator::from_raw_k(*key).map_err(|e| format!("{e:?}"))?;
    let act1 = initiator.step_0().map_err(|e| format!("{e:?}"))?;
    stream.write_all(&act1).await.map_err(err("write"))?;
    let mut act2 = [0u8; 234];
    stream.read_exact(&mut act2).await.map_err(err("handshake"))?;
    let engine = initiator.step_2(act2).map_err(|e| format!("{e:?}"))?;
    let (enc, dec) = engine.into_split();
    let (r, w) = stream.into_split();
    Ok((
        Rx {
            r,
            dec,
            buf: Vec::with_capacity(2048),
            start: 0,
            header: None,
            scratch: Vec::with_capacity(128),
        },
        Tx {
            w,
            enc,
            out: Vec::with_capacity(1024),
            scratch: Vec::with_capacity(128),
        },
    ))
}

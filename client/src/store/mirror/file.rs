//! The file of the mirror, as one process sees it. Several may append: whoever does holds the lock
//! and first reads what the others have written. It is replaced whole when most of it is void, so it
//! begins with a random name by which a reader notices that its place in the file is of the old one.

use super::{
    frame::{Cipher, Found, Frame},
    kept::Kept,
};
use crate::{Failure, Mint};
use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

pub const FILE: &str = "outbox.mirror";
const LOCK: &str = "outbox.mirror.lock";
const MAGIC: &[u8; 16] = b"stillage mirror1";
const START: usize = 32;

pub struct Mirrored {
    path: PathBuf,
    cipher: Cipher,
    mint: Mint,
    name: Option<[u8; 16]>,
    /// Behind the last whole frame.
    end: u64,
    pub kept: Kept,
}

/// Nobody else appends to, or replaces, the mirror of this directory until this is dropped.
pub fn lock(data_dir: &Path) -> Result<File, Failure> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(data_dir.join(LOCK))?;
    file.lock()?;
    Ok(file)
}

impl Mirrored {
    pub fn new(data_dir: &Path, key: &str, kept: Kept) -> Result<Self, Failure> {
        let (path, cipher) = (data_dir.join(FILE), Cipher::new(key)?);
        Ok(Self { path, cipher, mint: Mint::new(), name: None, end: 0, kept })
    }

    /// Reads what others have appended, or all of it when the file is another one. A torn tail is cut
    /// off. Answers whether the file is there, is the one known before, and all of it could be read.
    pub fn catch_up(&mut self) -> Result<bool, Failure> {
        let mut file = match OpenOptions::new().read(true).write(true).open(&self.path) {
            Ok(file) => file,
            Err(fault) if fault.kind() == ErrorKind::NotFound => {
                self.forget(None);
                return Ok(false);
            }
            Err(fault) => return Err(fault.into()),
        };
        let name = name(&mut file)?;
        let known = name.is_some() && self.name == name;
        if !known {
            self.forget(name);
        }
        if name.is_none() {
            return Ok(false);
        }
        let length = file.metadata()?.len();
        if length < self.end {
            self.forget(name);
        }
        let whole = self.read_on(&mut file)?;
        if self.end < whole {
            tracing::warn!(bytes = whole - self.end, "the mirror of the outbox ends in half a frame, which is cut off");
            file.set_len(self.end)?;
        }
        Ok(known && length >= self.end && self.kept.rotten == 0)
    }

    fn forget(&mut self, name: Option<[u8; 16]>) {
        self.kept = Kept { with_bodies: self.kept.with_bodies, ..Kept::default() };
        (self.name, self.end) = (name, START as u64);
    }

    /// Says how long the file is.
    fn read_on(&mut self, file: &mut File) -> Result<u64, Failure> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.end))?;
        file.read_to_end(&mut bytes)?;
        let whole = self.end + bytes.len() as u64;
        let mut rest = &bytes[..];
        loop {
            let length = match self.cipher.read(rest) {
                Found::Frame(frame, length) => {
                    self.kept.take(*frame);
                    length
                }
                Found::Rotten(length) => {
                    self.kept.rotten += 1;
                    length
                }
                Found::Torn => return Ok(whole),
            };
            rest = &rest[length..];
            self.end += length as u64;
        }
    }

    /// Writes the frames behind the last one and waits for the disk.
    pub fn append(&mut self, frames: Vec<Frame>) -> Result<(), Failure> {
        if frames.is_empty() {
            return Ok(());
        }
        let bytes = self.sealed(&frames)?;
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        file.seek(SeekFrom::Start(self.end))?;
        file.write_all(&bytes)?;
        file.sync_data()?;
        self.end += bytes.len() as u64;
        frames.into_iter().for_each(|frame| self.kept.take(frame));
        Ok(())
    }

    /// A new file with nothing but these frames, put in the place of the old one when it is on the disk.
    pub fn replace(&mut self, frames: Vec<Frame>) -> Result<(), Failure> {
        if self.kept.frames == 0 && self.path.exists() {
            // Not one frame of it could be read: it may be of another key. Nothing is thrown away.
            fs::rename(&self.path, self.path.with_extension("mirror.unreadable"))?;
        }
        let name = self.mint.secret::<16>();
        let mut bytes = [&MAGIC[..], &name].concat();
        bytes.extend(self.sealed(&frames)?);
        let draft = self.path.with_extension("mirror.new");
        let mut file = private(&draft)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        sync_directory(&self.path);
        self.forget(Some(name));
        self.end = bytes.len() as u64;
        frames.into_iter().for_each(|frame| self.kept.take(frame));
        Ok(())
    }

    fn sealed(&self, frames: &[Frame]) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        for frame in frames {
            self.cipher.write(frame, &self.mint, &mut bytes)?;
        }
        Ok(bytes)
    }
}

/// The random name in the head of the file; none when it is no mirror.
fn name(file: &mut File) -> Result<Option<[u8; 16]>, Failure> {
    let mut head = Vec::with_capacity(START);
    Read::take(&mut *file, START as u64).read_to_end(&mut head)?;
    let name = head.strip_prefix(MAGIC).and_then(|name| <[u8; 16]>::try_from(name).ok());
    Ok(name)
}

/// Best effort: not every system lets a directory be synced.
pub fn sync_directory(path: &Path) {
    if let Some(directory) = path.parent().and_then(|directory| File::open(directory).ok()) {
        let _ = directory.sync_all();
    }
}

#[cfg(unix)]
fn private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> std::io::Result<File> {
    File::create(path)
}

//! Columns: how values of one kind lie beside each other so that they pack well. A column is its length and its bytes;
//! numbers in it are varints (seven bits a byte, the lowest first), signed ones folded (0, -1, 1, -2 …).

use super::ChunkFault;
use crate::quantity::{ONE, Quantity};
use std::collections::HashMap;
use uuid::Uuid;

/// Of an id, what is not its time.
const RANDOM: usize = 10;

pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

const fn fold(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

const fn unfold(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

fn column(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn number(&mut self) -> Result<u64, ChunkFault> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ChunkFault::Damaged("a number is too long"))
    }

    pub(super) fn signed(&mut self) -> Result<i64, ChunkFault> {
        self.number().map(unfold)
    }

    pub(super) fn quantity(&mut self) -> Result<Quantity, ChunkFault> {
        match self.number()? {
            1 => self.signed().map(Quantity),
            whole => Ok(Quantity(unfold(whole >> 1).wrapping_mul(ONE))),
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8, ChunkFault> {
        let (first, rest) = self.0.split_first().ok_or(ChunkFault::Damaged("a column is short"))?;
        self.0 = rest;
        Ok(*first)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], ChunkFault> {
        let length = usize::try_from(length).ok().filter(|length| *length <= self.0.len());
        let (taken, rest) = self.0.split_at(length.ok_or(ChunkFault::Damaged("a column is short"))?);
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn column(&mut self) -> Result<Self, ChunkFault> {
        let length = self.number()?;
        self.take(length).map(Self)
    }

    pub(super) const fn left(&self) -> usize {
        self.0.len()
    }
}

/// Plain bytes and plain numbers.
#[derive(Debug, Default)]
pub(super) struct Numbers(Vec<u8>);

impl Numbers {
    pub(super) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn push(&mut self, value: u64) {
        put(&mut self.0, value);
    }

    pub(super) fn signed(&mut self, value: i64) {
        put(&mut self.0, fold(value));
    }

    /// Whole units are short; 1 says that a number in millionths follows.
    pub(super) fn quantity(&mut self, value: Quantity) {
        if value.0 % ONE == 0 {
            self.push(fold(value.0 / ONE) << 1);
        } else {
            self.push(1);
            self.signed(value.0);
        }
    }

    pub(super) fn end(self, out: &mut Vec<u8>) {
        column(out, &self.0);
    }
}

/// Numbers that lie close to the one before.
#[derive(Debug, Default)]
pub(super) struct Steps {
    last: i64,
    steps: Numbers,
}

impl Steps {
    pub(super) fn push(&mut self, value: i64) {
        self.steps.signed(value.wrapping_sub(self.last));
        self.last = value;
    }

    pub(super) fn end(self, out: &mut Vec<u8>) {
        self.steps.end(out);
    }
}

pub(super) struct StepsIn<'a> {
    last: i64,
    steps: Reader<'a>,
}

impl<'a> StepsIn<'a> {
    pub(super) fn new(from: &mut Reader<'a>) -> Result<Self, ChunkFault> {
        Ok(Self { last: 0, steps: from.column()? })
    }

    pub(super) fn next(&mut self) -> Result<i64, ChunkFault> {
        self.last = self.last.wrapping_add(self.steps.signed()?);
        Ok(self.last)
    }
}

/// Ids, each seen once. The first 48 bits are a time in most of them and lie in steps; of the rest every byte has a
/// column of its own, for two of them say less than they could.
#[derive(Debug, Default)]
pub(super) struct Ids(Vec<Uuid>);

/// The milliseconds in an id.
pub(super) fn time_of(id: Uuid) -> i64 {
    let mut bytes = [0; 8];
    bytes[2..].copy_from_slice(&id.as_bytes()[..6]);
    i64::from_be_bytes(bytes)
}

impl Ids {
    pub(super) fn push(&mut self, id: Uuid) {
        self.0.push(id);
    }

    pub(super) fn end(self, out: &mut Vec<u8>) {
        let mut times = Steps::default();
        self.0.iter().for_each(|id| times.push(time_of(*id)));
        times.end(out);
        let planes = (0..RANDOM).flat_map(|plane| self.0.iter().map(move |id| id.as_bytes()[6 + plane]));
        column(out, &planes.collect::<Vec<_>>());
    }
}

#[derive(Debug)]
pub(super) struct IdsIn(std::vec::IntoIter<Uuid>);

impl IdsIn {
    pub(super) fn new(from: &mut Reader<'_>) -> Result<Self, ChunkFault> {
        let mut times = StepsIn::new(from)?;
        let planes = from.column()?.0;
        let count = planes.len() / RANDOM;
        let mut ids = Vec::with_capacity(count);
        for at in 0..count {
            let mut bytes = [0; 16];
            bytes[..6].copy_from_slice(&times.next()?.to_be_bytes()[2..]);
            for plane in 0..RANDOM {
                bytes[6 + plane] = planes[plane * count + at];
            }
            ids.push(Uuid::from_bytes(bytes));
        }
        Ok(Self(ids.into_iter()))
    }

    pub(super) fn next(&mut self) -> Result<Uuid, ChunkFault> {
        self.0.next().ok_or(ChunkFault::Damaged("an id is missing"))
    }

    fn rest(self) -> Vec<Uuid> {
        self.0.collect()
    }
}

/// Ids that come again and again, or none.
#[derive(Debug, Default)]
pub(super) struct Known {
    places: HashMap<Uuid, u64>,
    ids: Ids,
    steps: Steps,
}

impl Known {
    pub(super) fn push(&mut self, id: Option<Uuid>) {
        let Some(id) = id else { return self.steps.push(0) };
        let next = self.places.len() as u64 + 1;
        let place = *self.places.entry(id).or_insert(next);
        if place == next {
            self.ids.push(id);
        }
        self.steps.push(place.cast_signed());
    }

    pub(super) fn end(self, out: &mut Vec<u8>) {
        self.ids.end(out);
        self.steps.end(out);
    }
}

pub(super) struct KnownIn<'a> {
    ids: Vec<Uuid>,
    steps: StepsIn<'a>,
}

impl<'a> KnownIn<'a> {
    pub(super) fn new(from: &mut Reader<'a>) -> Result<Self, ChunkFault> {
        Ok(Self { ids: IdsIn::new(from)?.rest(), steps: StepsIn::new(from)? })
    }

    pub(super) fn next(&mut self) -> Result<Option<Uuid>, ChunkFault> {
        let place = self.steps.next()?;
        if place == 0 {
            return Ok(None);
        }
        let found = usize::try_from(place - 1).ok().and_then(|place| self.ids.get(place));
        found.copied().map(Some).ok_or(ChunkFault::Damaged("an id is not in the list"))
    }

    pub(super) fn some(&mut self) -> Result<Uuid, ChunkFault> {
        self.next()?.ok_or(ChunkFault::Damaged("an id is missing"))
    }
}

/// Texts one after the other.
#[derive(Debug, Default)]
pub(super) struct Texts {
    lengths: Numbers,
    text: Vec<u8>,
}

impl Texts {
    pub(super) fn push(&mut self, text: &str) {
        self.lengths.push(text.len() as u64);
        self.text.extend_from_slice(text.as_bytes());
    }

    pub(super) fn end(self, out: &mut Vec<u8>) {
        self.lengths.end(out);
        column(out, &self.text);
    }
}

pub(super) struct TextsIn<'a> {
    lengths: Reader<'a>,
    text: Reader<'a>,
}

impl<'a> TextsIn<'a> {
    pub(super) fn new(from: &mut Reader<'a>) -> Result<Self, ChunkFault> {
        Ok(Self { lengths: from.column()?, text: from.column()? })
    }

    pub(super) fn next(&mut self) -> Result<&'a str, ChunkFault> {
        let length = self.lengths.number()?;
        std::str::from_utf8(self.text.take(length)?).map_err(|_| ChunkFault::Damaged("a text is not UTF-8"))
    }
}

/// Texts that come again and again, or none.
#[derive(Debug, Default)]
pub(super) struct Words {
    places: HashMap<String, u64>,
    texts: Texts,
    uses: Numbers,
}

impl Words {
    pub(super) fn push(&mut self, word: Option<&str>) {
        let Some(word) = word else { return self.uses.push(0) };
        let place = match self.places.get(word) {
            Some(place) => *place,
            None => {
                let place = self.places.len() as u64 + 1;
                self.places.insert(word.to_owned(), place);
                self.texts.push(word);
                place
            }
        };
        self.uses.push(place);
    }

    pub(super) fn end(self, out: &mut Vec<u8>) {
        put(out, self.places.len() as u64);
        self.texts.end(out);
        self.uses.end(out);
    }
}

pub(super) struct WordsIn<'a> {
    words: Vec<&'a str>,
    uses: Reader<'a>,
}

impl<'a> WordsIn<'a> {
    pub(super) fn new(from: &mut Reader<'a>) -> Result<Self, ChunkFault> {
        let count = from.number()?;
        let mut texts = TextsIn::new(from)?;
        let words = (0..count).map(|_| texts.next()).collect::<Result<_, _>>()?;
        Ok(Self { words, uses: from.column()? })
    }

    pub(super) fn next(&mut self) -> Result<Option<&'a str>, ChunkFault> {
        let place = self.uses.number()?;
        if place == 0 {
            return Ok(None);
        }
        let found = usize::try_from(place - 1).ok().and_then(|place| self.words.get(place));
        found.copied().map(Some).ok_or(ChunkFault::Damaged("a word is not in the list"))
    }

    pub(super) fn some(&mut self) -> Result<&'a str, ChunkFault> {
        self.next()?.ok_or(ChunkFault::Damaged("a word is missing"))
    }
}

//! The first page of a segment: whose it is, and how the segment before it ended. Written once, before the
//! segment has its name, so a broken one is never the trace of a crash.

use std::path::Path;

use crate::{
    anchor::AnchorHasher,
    bytes::{array_at, counter_at, put, u16_at, u32_at},
    codec,
    error::JournalError,
};

/// The size of the header, in bytes: a page of its own, so that no write of a record touches it.
pub(crate) const PAGE: usize = 4096;
/// The format version this program writes, and the latest it reads.
pub(crate) const MAJOR: u16 = 1;
const MINOR: u16 = 0;
/// A byte over 127, a name, both kinds of line end: damage by a text-mode copy shows at once.
const MAGIC: [u8; 8] = [0x89, b'S', b'W', b'J', 0x0D, 0x0A, 0x1A, 0x0A];
/// The place of the checksum; like the magic and the version, it is the same in all versions.
const CRC_AT: usize = PAGE - 4;

/// What the rest of the file is made with: the checksum, the codec of the payloads, the hash of the anchors.
/// A later format may have others; each is refused by name where it is not known.
const MADE_WITH: [(usize, u8, &str); 3] =
    [(85, 1, "checksum"), (86, codec::ID, "payload codec"), (87, 1, "hash")];

/// How the segment before ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EndedBy {
    /// There is none before.
    Nothing,
    /// Its writer closed it.
    Seal,
    /// Its writer died between two writes.
    Death,
    /// Its writer died in the middle of one.
    Tear,
}

/// Where the segment before ended. What is behind that point is not part of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Before {
    pub(crate) ended_by: EndedBy,
    pub(crate) end: u64,
    pub(crate) last_seq: u64,
    pub(crate) chain: u32,
    pub(crate) ignored_bytes: u64,
    /// BLAKE3 of all records up to `last_seq`.
    pub(crate) hash: [u8; 32],
}

impl Before {
    /// What the first segment says.
    pub(crate) fn nothing() -> Self {
        let hash = AnchorHasher::new().anchor().hash;
        Self { ended_by: EndedBy::Nothing, end: 0, last_seq: 0, chain: 0, ignored_bytes: 0, hash }
    }
}

/// What the first page says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    /// What the caller calls it.
    pub(crate) run: [u8; 16],
    /// Made up at its creation: a copy that was repaired has another one than the journal it was made from.
    pub(crate) journal: [u8; 16],
    pub(crate) segment: u64,
    pub(crate) epoch: u64,
    /// The length of the file when it got its name; only a seal makes it shorter.
    pub(crate) len: u64,
    pub(crate) before: Before,
    /// The checksum of this page. The first record chains to it.
    pub(crate) crc: u32,
}

impl Header {
    /// Mixed into the checksum of each record's header, so that none is taken for one of another segment.
    pub(crate) fn salt(&self) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.journal);
        crc.update(&self.segment.to_le_bytes());
        crc.update(&self.epoch.to_le_bytes());
        crc.finalize()
    }

    /// The page. Fills in `crc`.
    pub(crate) fn page(&mut self) -> [u8; PAGE] {
        let mut page = [0; PAGE];
        put(&mut page, 0, &MAGIC);
        put(&mut page, 8, &MAJOR.to_le_bytes());
        put(&mut page, 10, &MINOR.to_le_bytes());
        put(&mut page, 12, &crate::bytes::offset(PAGE).to_le_bytes()[..4]);
        put(&mut page, 16, &self.run);
        put(&mut page, 32, &self.segment.to_le_bytes());
        put(&mut page, 40, &(self.before.last_seq + 1).to_le_bytes());
        put(&mut page, 48, &self.epoch.to_le_bytes());
        put(&mut page, 56, &self.len.to_le_bytes());
        put(&mut page, 64, &self.before.end.to_le_bytes());
        put(&mut page, 72, &self.before.last_seq.to_le_bytes());
        put(&mut page, 80, &self.before.chain.to_le_bytes());
        page[84] = self.before.ended_by.code();
        for (at, id, _) in MADE_WITH {
            page[at] = id;
        }
        put(&mut page, 88, &self.before.ignored_bytes.to_le_bytes());
        put(&mut page, 96, &self.before.hash);
        put(&mut page, 128, &self.journal);
        self.crc = crc32fast::hash(&page[..CRC_AT]);
        put(&mut page, CRC_AT, &self.crc.to_le_bytes());
        page
    }

    /// Reads the page at the start of `bytes`. `Ok(Err(why))` if it is not one.
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Result<Self, &'static str>, JournalError> {
        let Some(page) = bytes.get(..PAGE) else { return Ok(Err("the file ends within its header")) };
        if page[..8] != MAGIC {
            return Ok(Err("this is not the start of a segment"));
        }
        if crc32fast::hash(&page[..CRC_AT]) != u32_at(page, CRC_AT) {
            return Ok(Err("the header does not match its checksum"));
        }
        // Only after the checksum: a flipped bit is damage and not a later version.
        let path = || path.to_path_buf();
        if u16_at(page, 8) != MAJOR {
            let found = u16_at(page, 8);
            return Err(JournalError::NewerVersion { found, supported: MAJOR, path: path() });
        }
        if let Some((at, _, what)) = MADE_WITH.into_iter().find(|(at, id, _)| page[*at] != *id) {
            return Err(JournalError::MadeWith { what, id: page[at], path: path() });
        }
        Ok(Self::fields(page).ok_or("the header holds an impossible value"))
    }

    fn fields(page: &[u8]) -> Option<Self> {
        let before = Before {
            ended_by: EndedBy::from_code(page[84])?,
            end: counter_at(page, 64)?,
            last_seq: counter_at(page, 72)?,
            chain: u32_at(page, 80),
            ignored_bytes: counter_at(page, 88)?,
            hash: array_at(page, 96),
        };
        Some(Self {
            run: array_at(page, 16),
            journal: array_at(page, 128),
            segment: counter_at(page, 32)?,
            epoch: counter_at(page, 48)?,
            len: counter_at(page, 56)?,
            before,
            crc: u32_at(page, CRC_AT),
        })
    }
}

impl EndedBy {
    fn code(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Seal => 1,
            Self::Death => 2,
            Self::Tear => 3,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Self::Nothing, Self::Seal, Self::Death, Self::Tear].into_iter().find(|end| end.code() == code)
    }
}

/// The name of a segment's file.
pub(crate) fn file_name(segment: u64) -> String {
    format!("{segment:010}.swj")
}

/// The segment that a file name means, if it is one's.
pub(crate) fn segment_of(name: &str) -> Option<u64> {
    let number = name.strip_suffix(".swj")?.parse().ok().filter(|number| (1..1 << 62).contains(number))?;
    (file_name(number) == name).then_some(number)
}

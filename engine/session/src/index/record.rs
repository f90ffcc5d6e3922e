//! What the index says of one file: numbers, and where its texts stand.
//!
//! Numbers are put and taken in the same order, all as words of eight bytes. Taking is total:
//! whatever the bytes are, it gives an entry or none.

use chrono::DateTime;
use codeloops_event::Timestamp;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

use super::block::Texts;
use crate::entry::{SessionEntry, Used};
use crate::listed::Listed;
use crate::progress::SessionStatus;
use crate::stamp::FileStamp;

/// Words of a record.
const WORDS: usize = 30;
/// Bytes of a record.
pub(super) const RECORD: usize = WORDS * 8;
/// Stands for a number or a text that there is not.
const NONE: u64 = u64::MAX;
/// The prompt is as long as its preview.
const IS_PREVIEW: u64 = u64::MAX - 1;
/// A longer prompt is not in the index: whoever searches it reads the file.
const LONGEST_PROMPT: usize = 16 * 1024;

/// The whole text of a prompt, as far as an index has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KnownPrompt<'a> {
    Text(&'a str),
    /// It stands in the file alone.
    InFile,
}

/// A record as numbers.
pub(super) struct Record([u64; WORDS]);

/// The parts of a record that are looked at before the rest.
pub(super) struct Key {
    pub(super) stamp: FileStamp,
    pub(super) id: u64,
}

impl Record {
    /// The record in these bytes.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (words, _) = bytes.as_chunks::<8>();
        Some(Self(words.first_chunk::<WORDS>()?.map(u64::from_le_bytes)))
    }

    /// The inode of the record in these bytes.
    pub(super) fn inode(bytes: &[u8]) -> u64 {
        bytes.first_chunk::<8>().map_or(0, |word| u64::from_le_bytes(*word))
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.iter().flat_map(|word| word.to_le_bytes()));
    }

    pub(super) fn of(listed: &Listed, texts: &mut Texts) -> Self {
        let Listed { id, start, progress, stamp, .. } = listed;
        let end = progress.end.as_ref();
        let [actor, critic] = Used::by_role(progress.usage());
        let preview = listed.preview();
        let prompt = &start.prompt;
        let mut words = [NONE; WORDS];
        let mut put = Put(words.iter_mut());
        put.stamp(stamp);
        put.time(start.timestamp);
        put.time(progress.last_line_at.unwrap_or(start.timestamp));
        put.word(u64::from(progress.iterations) << 1 | u64::from(progress.stop_requested));
        put.float(end.map(|end| end.duration_secs));
        put.float(end.and_then(|end| end.confidence));
        put.used(&actor);
        put.used(&critic);
        put.word(start.parent.as_ref().map_or(NONE, |parent| parent.iteration.into()));
        put.word(texts.put(id.as_str()));
        put.word(texts.put(preview));
        put.word(texts.put_again(&start.working_dir));
        put.word(texts.put_again(&start.actor_agent));
        put.word(texts.put_again(&start.critic_agent));
        put.word(start.actor_model.as_deref().map_or(NONE, |model| texts.put_again(model)));
        put.word(start.critic_model.as_deref().map_or(NONE, |model| texts.put_again(model)));
        put.word(start.run_id.as_ref().map_or(NONE, |run| texts.put(run.as_str())));
        let parent = start.parent.as_ref();
        put.word(parent.map_or(NONE, |parent| texts.put_again(parent.run_id.as_str())));
        put.word(end.map_or(NONE, |end| texts.put_again(end.outcome.as_str())));
        let reason = end.and_then(|end| end.stop_reason);
        put.word(reason.map_or(NONE, |reason| texts.put_again(reason.as_str())));
        put.word(match prompt.len() {
            length if length == preview.len() => IS_PREVIEW,
            ..=LONGEST_PROMPT => texts.put_prompt(prompt),
            _ => NONE,
        });
        Self(words)
    }

    /// The same record, its texts put elsewhere.
    pub(super) fn moved(&self, from: &Texts, to: &mut Texts) -> Option<Self> {
        let mut words = self.0;
        let [id, preview, .., run, _, _, _, prompt] = &mut words[FIRST_TEXT..] else { return None };
        for once in [id, preview, run] {
            *once = if *once == NONE { NONE } else { to.put(from.get(*once)?) };
        }
        if *prompt < IS_PREVIEW {
            *prompt = to.put_prompt(from.prompt(*prompt)?);
        }
        for again in [2, 3, 4, 5, 6, 8, 9, 10].map(|at| FIRST_TEXT + at) {
            let word = &mut words[again];
            *word = if *word == NONE { NONE } else { to.put_again(from.get(*word)?) };
        }
        Some(Self(words))
    }

    pub(super) fn key(&self) -> Key {
        let [inode, size, mtime, ctime, ..] = self.0;
        Key { stamp: FileStamp { inode, size, mtime, ctime }, id: self.0[FIRST_TEXT] }
    }

    pub(super) fn prompt<'a>(&self, texts: &'a Texts) -> Option<KnownPrompt<'a>> {
        match self.0[WORDS - 1] {
            NONE => Some(KnownPrompt::InFile),
            IS_PREVIEW => texts.get(self.0[FIRST_TEXT + 1]).map(KnownPrompt::Text),
            prompt => texts.prompt(prompt).map(KnownPrompt::Text),
        }
    }

    /// The entry, as that of a session that nobody holds.
    pub(super) fn entry<'a>(&self, texts: &'a Texts) -> Option<SessionEntry<'a>> {
        let size = self.0[1];
        let mut take = Take(self.0[4..].iter());
        let (timestamp, last_line_at) = (take.time()?, take.time()?);
        let progress = take.word()?;
        let (duration_secs, confidence) = (take.float()?, take.float()?);
        let (actor_usage, critic_usage) = (take.used()?, take.used()?);
        let parent_iteration = take.number()?;
        let mut text = || match take.word()? {
            NONE => Some(None),
            place => Some(Some(texts.get(place)?)),
        };
        let (id, prompt_preview, working_dir) = (text()??, text()??, text()??);
        let (actor_agent, critic_agent) = (text()??, text()??);
        let (actor_model, critic_model, run_id) = (text()?, text()?, text()?);
        let parent_run = text()?;
        let outcome = text()?.map(word).transpose().ok()?;
        let stop_reason = text()?.map(word).transpose().ok()?;
        let status = match outcome {
            Some(_) => SessionStatus::Ended,
            None if progress & 1 == 1 => SessionStatus::Interrupted,
            None => SessionStatus::Crashed,
        };
        let iterations = u32::try_from(progress >> 1).ok()?;
        Some(SessionEntry {
            id,
            timestamp,
            last_line_at,
            prompt_preview,
            working_dir,
            outcome,
            stop_reason,
            status,
            iterations,
            duration_secs,
            confidence,
            actor_agent,
            critic_agent,
            actor_model,
            critic_model,
            actor_usage,
            critic_usage,
            run_id,
            parent: parent_run.zip(parent_iteration.and_then(|n| u32::try_from(n).ok())),
            size,
        })
    }
}

/// Where the texts begin: after four words of the stamp, twice two of a time, three numbers, twice
/// three of usage, and the parent's iteration.
const FIRST_TEXT: usize = 18;

/// Fills words from the first on.
struct Put<'a>(std::slice::IterMut<'a, u64>);

impl Put<'_> {
    fn word(&mut self, word: u64) {
        *self.0.next().expect("a record has a word for each number") = word;
    }

    fn stamp(&mut self, stamp: &FileStamp) {
        let FileStamp { inode, size, mtime, ctime } = *stamp;
        [inode, size, mtime, ctime].into_iter().for_each(|word| self.word(word));
    }

    fn time(&mut self, time: Timestamp) {
        self.word(time.timestamp().cast_unsigned());
        self.word(u64::from(time.timestamp_subsec_nanos()));
    }

    fn float(&mut self, number: Option<f64>) {
        self.word(number.map_or(NONE, f64::to_bits));
    }

    fn used(&mut self, used: &Used) {
        self.word(used.input_tokens.unwrap_or(NONE));
        self.word(used.output_tokens.unwrap_or(NONE));
        self.float(used.cost_usd);
    }
}

/// Gives words from the first on.
struct Take<'a>(std::slice::Iter<'a, u64>);

impl Take<'_> {
    fn word(&mut self) -> Option<u64> {
        self.0.next().copied()
    }

    fn number(&mut self) -> Option<Option<u64>> {
        self.word().map(|word| (word != NONE).then_some(word))
    }

    fn time(&mut self) -> Option<Timestamp> {
        let secs = self.word()?.cast_signed();
        DateTime::from_timestamp(secs, u32::try_from(self.word()?).ok()?)
    }

    fn float(&mut self) -> Option<Option<f64>> {
        self.number().map(|bits| bits.map(f64::from_bits))
    }

    fn used(&mut self) -> Option<Used> {
        Some(Used {
            input_tokens: self.number()?,
            output_tokens: self.number()?,
            cost_usd: self.float()?,
        })
    }
}

/// The value of a word as it stands in session files.
fn word<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Error> {
    let word: StrDeserializer<'a, Error> = text.into_deserializer();
    T::deserialize(word)
}

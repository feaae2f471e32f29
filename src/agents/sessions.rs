//! What Copilot CLI writes of its conversations into its folder: `session-state/<conversation>/events.jsonl`, a line for
//! each call of a model, those of subagents too, and one file of totals at its end. Knows nothing of its stream.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::account::Tokens;
use super::bill::Bill;
use super::bookmark::Bookmark;
use super::json::{self, count, text_or_empty};
use super::prices::Prices;
use super::reading::Spent;
use super::tail::Tail;

/// The file of the attempt that says where the events of its conversation will be.
pub(super) const WHERE: &str = "events";
/// The file of the attempt that the program writes its totals to.
pub(super) const TOTALS: &str = "usage.json";
/// A billion of them are an AI credit, and a hundred of those a dollar.
const NANO_AIU_PER_DOLLAR: f64 = 1e11;

/// The conversation of an attempt.
#[derive(Debug, Default)]
pub(super) struct Session {
    state: PathBuf,
    events: Option<PathBuf>,
    tail: Tail,
    name: Option<String>,
    /// What the conversation had used when the attempt took it up.
    before: Tokens,
    /// What it has used by now.
    total: Tokens,
    bill: Bill,
}

impl Session {
    /// The one of an attempt with this folder, which may have taken it up.
    pub(super) fn new(state: PathBuf, taken_up: Option<Bookmark>) -> Self {
        let before = taken_up.unwrap_or_default().tokens;
        Self { state, before, ..Self::default() }
    }

    /// Its name, as the program says it.
    pub(super) fn named(&mut self, name: &str) {
        self.name = Some(name.to_owned());
    }

    /// A call of it was turned away, which costs nothing.
    pub(super) fn turned_away(&mut self) {
        self.bill.add("", Tokens::default(), Some(0));
    }

    /// What the attempt has used of it.
    pub(super) fn spent(&self, prices: &Prices) -> Spent {
        self.bill.spent(prices)
    }

    /// Where it stands, to be taken up.
    pub(super) fn bookmark(&self) -> Option<String> {
        let name = self.name.as_deref()?;
        Some(Bookmark { tokens: self.total, ..Bookmark::new(name) }.text())
    }

    /// Reads what came since the last time, and says whether anything did.
    pub(super) fn look(&mut self) -> bool {
        if self.events.is_none() {
            let path = fs::read_to_string(self.state.join(WHERE)).ok().map(PathBuf::from);
            let folder = path.as_deref().and_then(Path::parent).and_then(Path::file_name);
            self.name = folder.map(|name| name.to_string_lossy().into_owned());
            self.events = path;
        }
        let lines = self.events.as_deref().map(|path| self.tail.lines(path, &[r#""session.usage_record""#]));
        let lines = lines.unwrap_or_default();
        for record in lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            self.call(record.pointer("/data/usage").unwrap_or(&Value::Null));
        }
        !lines.is_empty() || self.totals().is_some()
    }

    /// A call that the conversation made before it was taken up is not this attempt's.
    fn call(&mut self, usage: &Value) {
        let tokens = tokens(usage);
        self.total = self.total.plus(tokens);
        if all(self.total) > all(self.before) {
            let micros = json::micros_of(usage, "/copilotUsage/totalNanoAiu", NANO_AIU_PER_DOLLAR);
            self.bill.add(text_or_empty(usage, "/model"), tokens, micros);
        }
    }

    /// The totals at its end, where nothing else is known. Those of a conversation that was taken up are not the attempt's.
    fn totals(&mut self) -> Option<()> {
        if all(self.total) > 0 || all(self.before) > 0 {
            return None;
        }
        let text = fs::read_to_string(self.state.join(TOTALS)).ok()?;
        let record = serde_json::from_str::<Value>(&text).ok()?;
        for (model, metrics) in record.get("modelMetrics")?.as_object()? {
            let tokens = tokens(metrics.get("usage")?);
            let micros = json::micros_of(metrics, "/totalNanoAiu", NANO_AIU_PER_DOLLAR);
            self.total = self.total.plus(tokens);
            self.bill.add_sum(model, tokens, micros);
        }
        Some(())
    }
}

fn all(tokens: Tokens) -> u64 {
    tokens.sent().saturating_add(tokens.output)
}

/// What was sent includes what a cache had of it.
fn tokens(usage: &Value) -> Tokens {
    let (cache_read, cache_write) = (count(usage, "/cacheReadTokens"), count(usage, "/cacheWriteTokens"));
    Tokens {
        input: count(usage, "/inputTokens").saturating_sub(cache_read).saturating_sub(cache_write),
        cache_read,
        cache_write,
        output: count(usage, "/outputTokens"),
        reasoning: count(usage, "/reasoningTokens"),
    }
}

//! A plan file from the disk: found, read within a limit, and taken through all steps, so that everything wrong with it is said at once.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::check;
use super::decode::{self, Cx};
use super::draft::Draft;
use super::learn::{self, Known};
use super::node::{Kind, Node};
use super::problem::{Problem, Refused, Severity, in_order};
use super::secrets;
use super::shape::{self, Problems};
use super::source::Source;
use super::syntax::{self, Syntax};
use super::table::{PLAN, Shape};
use super::value::slug_of;

/// The largest plan file.
pub const PLAN_BYTES_MAX: u64 = 16 << 20;

/// A plan that can be run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The plan.
    pub draft: Draft,
    /// What the user should know.
    pub warnings: Vec<Problem>,
    /// The file, to show warnings in.
    pub source: Source,
}

/// The plan of a folder: `swarm.yaml`, `swarm.yml`, `swarm.toml` or `swarm.json`, the first that exists.
pub fn find(folder: &Path) -> Option<PathBuf> {
    let names = ["swarm.yaml", "swarm.yml", "swarm.toml", "swarm.json"];
    names.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Loads and checks a plan file. `cpus` is what this machine has.
pub fn load(path: &Path, cpus: u32) -> Result<Loaded, Refused> {
    load_with(path, cpus, &Known::default())
}

/// The same, with what is known beside the plan: its money is judged by what is learned and by the cap that will hold.
pub fn load_with(path: &Path, cpus: u32, known: &Known<'_>) -> Result<Loaded, Refused> {
    let name = path.display().to_string();
    let empty = Source::new(&name, "");
    let refused = |problem| Refused { problems: vec![problem], source: empty.clone() };
    let syntax = Syntax::of(path).ok_or_else(|| {
        let problem = Problem::error("P0005", "the syntax of a plan is told by its file name");
        refused(problem.help("name it `.yaml`, `.toml` or `.json`"))
    })?;
    let text = text_of(path).map_err(|problem| refused(*problem))?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new("."));
    let place = Place { folder, stem: &stem, cpus };
    parse_with(Source::new(&name, &text), syntax, &place, known)
}

fn text_of(path: &Path) -> Result<String, Box<Problem>> {
    let unreadable = |error: std::io::Error| {
        Box::new(Problem::error("P0002", format!("the plan cannot be read: {error}")))
    };
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if about.is_dir() {
        return Err(Box::new(
            Problem::error("P0002", "the plan is a folder").help("name the file, such as `swarm.yaml`"),
        ));
    }
    if about.len() > PLAN_BYTES_MAX {
        return Err(too_large(about.len()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(PLAN_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > PLAN_BYTES_MAX {
        return Err(too_large(bytes.len() as u64));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|byte| *byte == b'\n').count();
        let text = format!("the plan is not UTF-8 text: line {line} has a byte that does not belong there");
        Box::new(Problem::error("P0004", text))
    })
}

fn too_large(bytes: u64) -> Box<Problem> {
    let text = format!("the plan is too large: {bytes} bytes, and at most {PLAN_BYTES_MAX} are read");
    Box::new(
        Problem::error("P0003", text)
            .help("long prompts may go to files of their own, named by `prompt_file`"),
    )
}

/// Checks a plan that is already in memory. Files it names are looked up in `folder`; `stem` names it if it has no `name`.
pub fn parse(
    source: Source,
    syntax: Syntax,
    folder: &Path,
    stem: &str,
    cpus: u32,
) -> Result<Loaded, Refused> {
    parse_with(source, syntax, &Place { folder, stem, cpus }, &Known::default())
}

/// Where a plan is from, and how many processors its machine has.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Files that the plan names are looked up here.
    pub folder: &'a Path,
    /// Names the plan if it has no `name`.
    pub stem: &'a str,
    /// What this machine has.
    pub cpus: u32,
}

/// The same, with what is known beside the plan.
pub fn parse_with(
    source: Source,
    syntax: Syntax,
    place: &Place<'_>,
    known: &Known<'_>,
) -> Result<Loaded, Refused> {
    let Place { folder, stem, cpus } = *place;
    let mut problems = Problems::default();
    let draft = match syntax::read(&source, syntax) {
        Err(errors) => {
            problems.extend(errors);
            None
        }
        Ok((root, errors)) => {
            problems.extend(errors);
            let mut cx = Cx { folder, name: slug_of(stem), cpus, problems: &mut problems, read: Vec::new() };
            understood(root, &source, &mut cx, known)
        }
    };
    let all: Vec<Problem> = in_order(problems.into_all()).into_iter().map(secrets::without).collect();
    let source = secrets::masked(source);
    match draft {
        Some(draft) if all.iter().all(|problem| problem.severity == Severity::Warning) => {
            Ok(Loaded { draft, warnings: all, source })
        }
        _ => Err(Refused { problems: all, source }),
    }
}

fn understood(mut root: Node, source: &Source, cx: &mut Cx<'_>, known: &Known<'_>) -> Option<Draft> {
    if !matches!(root.kind, Kind::Map(_)) {
        let problem = Problem::error("P0102", format!("a plan is a map, found {}", root.what()))
            .at(root.span, "not a map");
        cx.problems.push(problem.help("`swarm init` writes one to start from"));
        return None;
    }
    shape::check(&mut root, &Shape::Keys(&PLAN), "", cx.problems);
    let mut decoded = decode::plan(&root, cx);
    if known.cap.is_some() {
        // Another cap than the one that is written there: no problem with it is in that line.
        (decoded.draft.caps.usd, decoded.budget) = (known.cap, None);
    }
    learn::learn(&mut decoded.draft, known.past);
    check::all(&decoded, cx.problems);
    if decoded.draft.secrets.scan {
        secrets::look(source, &root, &cx.read, &decoded.draft.secrets, cx.problems);
    }
    Some(decoded.draft)
}

//! Conflict markers that a change adds to a file. Does not know what the conflict is about.

use std::collections::BTreeMap;

/// The length of markers that git writes, where attributes do not say otherwise.
const USUAL: usize = 7;

/// A line and its number, from 1.
type Line<'a> = (usize, &'a [u8]);

/// A line that belongs to a conflict.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Marker {
    Open,
    Middle,
    Close,
}

/// The number of the first line, from 1, of a conflict marker that is in `after` and was not in `before`. A row of equals
/// signs alone is a heading more often than a marker; it counts between the two others only.
pub fn first_added(before: &[u8], after: &[u8]) -> Option<usize> {
    let now = marked(after);
    if now.is_empty() {
        return None;
    }
    let mut were: BTreeMap<&[u8], usize> = BTreeMap::new();
    for (_, line) in marked(before) {
        *were.entry(line).or_default() += 1;
    }
    now.into_iter().find_map(|(number, line)| match were.get_mut(line) {
        Some(left) if *left > 0 => {
            *left -= 1;
            None
        }
        _ => Some(number),
    })
}

/// The lines that are markers: those of the usual length, and longer ones that make a whole conflict.
fn marked(text: &[u8]) -> Vec<Line<'_>> {
    let mut found = Vec::new();
    // The longer markers since one that opens, and whether a middle was among them.
    let mut open: Option<(Vec<Line<'_>>, bool)> = None;
    for (at, line) in text.split(|&b| b == b'\n').enumerate() {
        let Some((marker, length)) = marker(line) else { continue };
        if length == USUAL && marker != Marker::Middle {
            found.push((at + 1, line));
            continue;
        }
        open = match (marker, open) {
            (Marker::Open, _) => Some((vec![(at + 1, line)], false)),
            (Marker::Middle, Some((lines, _))) => Some((lines, true)),
            (Marker::Close, Some((mut lines, true))) => {
                lines.push((at + 1, line));
                found.extend(lines);
                None
            }
            (Marker::Middle | Marker::Close, rest) => rest,
        };
    }
    found.sort_unstable();
    found
}

fn marker(line: &[u8]) -> Option<(Marker, usize)> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let first = *line.first()?;
    let marker = match first {
        b'<' => Marker::Open,
        b'=' => Marker::Middle,
        b'>' => Marker::Close,
        _ => return None,
    };
    let length = line.iter().take_while(|b| **b == first).count();
    let fits = match (marker, line.get(length)) {
        (Marker::Middle, after) => after.is_none(),
        (Marker::Open | Marker::Close, after) => after == Some(&b' '),
    };
    (length >= USUAL && fits).then_some((marker, length))
}

//! Names of logs that were put aside: numbered as the standard library numbers them, or by a pattern of times.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::stat;

use super::schedule::Zone;
use super::{Compression, Keep};
use crate::descriptor::identity;

/// What names of compressed logs end with. All are known, whatever this build can make: another may have made them.
const COMPRESSED: [&str; 2] = [Compression::Gzip.suffix(), Compression::Zstd.suffix()];

/// How logs are called that were put aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// `run.log.1` is the youngest, `run.log.2` the one before.
    #[default]
    Numbered,
    /// By a pattern.
    Dated(Pattern),
}

/// A name with times in it: `{name}` is the log's, `{stem}` and `{suffix}` are its parts, and `%Y`, `%y`, `%m`, `%d`,
/// `%H`, `%M`, `%S`, `%j` are those of the time at which the log was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Name,
    Stem,
    Suffix,
    /// A conversion and how many digits it gives.
    Time(char, usize),
}

/// Why a pattern is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadPattern {
    /// It has a slash in it.
    Slash,
    /// There is no time in it.
    Timeless,
    /// Something else is behind a `%` or within braces.
    Unknown(String),
}

impl std::fmt::Display for BadPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BadPattern::Slash => f.write_str("a name has no slash: logs stay in their directory"),
            BadPattern::Timeless => f.write_str("it has no time in it, such as %Y-%m-%d"),
            BadPattern::Unknown(what) => {
                write!(f, "{what} is not known; there is {{name}} {{stem}} {{suffix}} %Y %y %m %d %H %M %S %j %%")
            }
        }
    }
}

impl std::error::Error for BadPattern {}

impl Names {
    /// Reads a pattern; the empty one numbers.
    ///
    /// # Errors
    /// [`BadPattern`].
    pub fn parse(pattern: &str) -> Result<Self, BadPattern> {
        if pattern.is_empty() {
            return Ok(Names::Numbered);
        }
        if pattern.contains('/') {
            return Err(BadPattern::Slash);
        }
        let mut pieces = Vec::new();
        let mut rest = pattern;
        while let Some(at) = rest.find(['%', '{']) {
            pieces.push(Piece::Text(rest[..at].into()));
            let (piece, length) = piece(&rest[at..]).map_err(|what| BadPattern::Unknown(what.into()))?;
            pieces.push(piece);
            rest = &rest[at + length..];
        }
        pieces.push(Piece::Text(rest.into()));
        if !pieces.iter().any(|piece| matches!(piece, Piece::Time(..))) {
            return Err(BadPattern::Timeless);
        }
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Names::Dated(Pattern { text: pattern.into(), pieces }))
    }

    /// The pattern; empty if they are numbered.
    pub fn pattern(&self) -> &str {
        match self {
            Names::Numbered => "",
            Names::Dated(pattern) => &pattern.text,
        }
    }

    /// Puts a log aside. `begun`, in seconds since the epoch, is when it was begun. The log's lock must be held.
    ///
    /// # Errors
    /// What the file system says; then the log is where it was.
    pub fn put_aside(&self, log: &Path, begun: i64, zone: &Zone, keep: &Keep) -> io::Result<()> {
        match self {
            Names::Numbered => shift(log, keep.files),
            Names::Dated(pattern) => {
                let name = pattern.name(log, begun, zone);
                let numbered = (1_u64..).map(|number| with(&name, &format!(".{number}")));
                for name in std::iter::once(name.clone()).chain(numbered) {
                    let path = log.with_file_name(name);
                    if is_free(&path)? {
                        return fs::rename(log, path);
                    }
                }
                unreachable!("numbers come to no end")
            }
        }
    }

    /// Whether a file's name is one that these rules give, and which number it has.
    fn matches(&self, log: &Path, name: &[u8]) -> Option<u64> {
        let name = COMPRESSED.iter().find_map(|end| name.strip_suffix(end.as_bytes())).unwrap_or(name);
        match self {
            Names::Numbered => {
                let rest = name.strip_prefix(log.file_name()?.as_bytes())?.strip_prefix(b".")?;
                number(rest)
            }
            Names::Dated(pattern) => match pattern.rest(log, name)? {
                b"" => Some(0),
                rest => number(rest.strip_prefix(b".")?),
            },
        }
    }

    /// Whether they give a log the name of another file in its directory.
    pub fn give(&self, log: &Path, other: &Path) -> bool {
        let directory = |path: &Path| stat(path.parent()?).ok().map(|stat| identity(&stat));
        let named = other.file_name().is_some_and(|name| self.matches(log, name.as_bytes()).is_some());
        // By whatever name the directory is reached.
        named && directory(log).is_some_and(|one| directory(other) == Some(one))
    }

    /// The logs that were put aside and are still there, the youngest first.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn kept(&self, log: &Path) -> io::Result<Vec<Kept>> {
        let directory = match log.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut kept = Vec::new();
        for entry in fs::read_dir(directory)?.flatten() {
            let Some(number) = self.matches(log, entry.file_name().as_bytes()) else { continue };
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_file() {
                let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                kept.push(Kept { path: log.with_file_name(entry.file_name()), number, changed, bytes: metadata.len() });
            }
        }
        match self {
            Names::Numbered => kept.sort_by_key(|kept| kept.number),
            Names::Dated(_) => kept.sort_by(|a, b| (b.changed, b.number, &b.path).cmp(&(a.changed, a.number, &a.path))),
        }
        Ok(kept)
    }

    /// Removes what is not to be kept. The log's lock must be held.
    ///
    /// # Errors
    /// What the file system says.
    pub fn prune(&self, log: &Path, keep: &Keep, now: SystemTime) -> io::Result<()> {
        let mut bytes = 0;
        for (younger, kept) in self.kept(log)?.into_iter().enumerate() {
            bytes += kept.bytes;
            let age = now.duration_since(kept.changed).unwrap_or_default().as_secs();
            let is_kept = keep.files.is_none_or(|most| younger < most as usize)
                && keep.bytes.is_none_or(|most| bytes <= most)
                && keep.seconds.is_none_or(|most| age <= most);
            if !is_kept {
                fs::remove_file(&kept.path)?;
            }
        }
        Ok(())
    }
}

/// A log that was put aside.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Where it is.
    pub path: PathBuf,
    number: u64,
    changed: SystemTime,
    bytes: u64,
}

impl Kept {
    /// Whether it has been compressed.
    pub fn is_compressed(&self) -> bool {
        COMPRESSED.iter().any(|end| self.path.as_os_str().as_bytes().ends_with(end.as_bytes()))
    }
}

fn piece(text: &str) -> Result<(Piece, usize), &str> {
    if let Some(rest) = text.strip_prefix('%') {
        let piece = match rest.chars().next() {
            Some('Y') => Piece::Time('Y', 4),
            Some(code @ ('y' | 'm' | 'd' | 'H' | 'M' | 'S')) => Piece::Time(code, 2),
            Some('j') => Piece::Time('j', 3),
            Some('%') => Piece::Text("%".into()),
            other => return Err(&text[..1 + other.map_or(0, char::len_utf8)]),
        };
        return Ok((piece, 2));
    }
    for (word, piece) in [("{name}", Piece::Name), ("{stem}", Piece::Stem), ("{suffix}", Piece::Suffix)] {
        if text.starts_with(word) {
            return Ok((piece, word.len()));
        }
    }
    Err(text.find('}').map_or(text, |end| &text[..=end]))
}

impl Pattern {
    fn piece<'a>(piece: &'a Piece, log: &'a Path) -> &'a [u8] {
        let name = log.file_name().unwrap_or_default();
        match piece {
            Piece::Text(text) => text.as_bytes(),
            Piece::Name => name.as_bytes(),
            Piece::Stem => log.file_stem().unwrap_or(name).as_bytes(),
            Piece::Suffix => &name.as_bytes()[log.file_stem().unwrap_or(name).len()..],
            Piece::Time(..) => b"",
        }
    }

    fn name(&self, log: &Path, begun: i64, zone: &Zone) -> OsString {
        let begun = zone.at(begun).unwrap_or_default();
        let mut name = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Time(code, digits) => {
                    let value = match code {
                        'Y' => i32::from(begun.year()),
                        'y' => i32::from(begun.year()) % 100,
                        'm' => i32::from(begun.month()),
                        'd' => i32::from(begun.day()),
                        'H' => i32::from(begun.hour()),
                        'M' => i32::from(begun.minute()),
                        'S' => i32::from(begun.second()),
                        _ => i32::from(begun.day_of_year()),
                    };
                    name.extend_from_slice(format!("{value:0digits$}").as_bytes());
                }
                piece => name.extend_from_slice(Self::piece(piece, log)),
            }
        }
        OsString::from_vec(name)
    }

    /// What is left of a name behind what the pattern gives; `None` if it does not begin so.
    fn rest<'a>(&self, log: &Path, mut name: &'a [u8]) -> Option<&'a [u8]> {
        for piece in &self.pieces {
            name = match piece {
                Piece::Time(_, digits) => {
                    let (found, rest) = name.split_at_checked(*digits)?;
                    found.iter().all(u8::is_ascii_digit).then_some(rest)?
                }
                piece => name.strip_prefix(Self::piece(piece, log))?,
            };
        }
        Some(name)
    }
}

/// A number of a name, from 1, without zeros before it.
fn number(text: &[u8]) -> Option<u64> {
    let sane = !text.is_empty() && text[0] != b'0' && text.iter().all(u8::is_ascii_digit);
    sane.then(|| std::str::from_utf8(text).ok()?.parse().ok())?
}

fn with(name: &OsStr, end: &str) -> OsString {
    let mut name = name.to_os_string();
    name.push(end);
    name
}

/// The name under which a log is kept compressed.
pub fn compressed(path: &Path, compression: Compression) -> PathBuf {
    with(path.as_os_str(), compression.suffix()).into()
}

/// The names that a log may have under one of our names: as it is, and compressed.
fn forms(path: &Path) -> impl Iterator<Item = PathBuf> {
    std::iter::once("").chain(COMPRESSED).map(|end| with(path.as_os_str(), end).into())
}

/// Whether no log stands under a name, compressed or not. Where that cannot be told, it may: an error, for a log that
/// is moved there takes its place.
fn is_free(path: &Path) -> io::Result<bool> {
    for form in forms(path) {
        match fs::symlink_metadata(form) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// Moves `log.1` to `log.2` and so on, up to the first number that is free or the last that is kept, and then `log`
/// to `log.1`. Killed in between, it leaves a number free, which the next time fills.
fn shift(log: &Path, most: Option<u32>) -> io::Result<()> {
    let at = |number: u64| PathBuf::from(with(log.as_os_str(), &format!(".{number}")));
    let most = most.map_or(u64::MAX, u64::from);
    if most == 0 {
        return fs::remove_file(log);
    }
    let mut free = 1;
    while free < most && !is_free(&at(free))? {
        free += 1;
    }
    for number in (1..free).rev() {
        for (from, to) in forms(&at(number)).zip(forms(&at(number + 1))) {
            match fs::rename(&from, &to) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let _ = fs::remove_file(&to);
                }
                other => other?,
            }
        }
    }
    forms(&at(1)).for_each(|form| drop(fs::remove_file(form)));
    fs::rename(log, at(1))
}

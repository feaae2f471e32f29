//! Which variables of an environment hold secrets, by their names and by their values. Reads no environment.

use std::path::Path;

use super::scanner::Scanner;

/// Parts of names, between underscores, of which one ends the name of a secret or a part of it.
const SAYS_SO: [&str; 13] = [
    "KEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PWD",
    "AUTH",
    "CREDENTIAL",
    "CRED",
    "COOKIE",
    "PAT",
];
/// Of these the whole part must be the word: many words end with them.
const WHOLE: [&str; 4] = ["PASS", "AUTH", "CRED", "PAT"];
/// A word of so many bytes, with letters and digits, looks random.
const WORD_BYTES_MIN: usize = 16;

/// Whether the value of this variable is to be shown to nobody. Numbers, flags, addresses without a password and paths of
/// what is there are not, whatever their name. Of one that was `asked` for by its whole name, a value that looks random is.
pub fn is_secret(name: &str, value: &str, asked: bool) -> bool {
    let value = value.trim();
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_path = value.starts_with('/') && Path::new(value).exists();
    if is_number || is_path || matches!(value, "true" | "false") {
        return false;
    }
    if let Some((_, rest)) = value.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) {
        return holds_password(rest) || finds(value);
    }
    says_so(name) || (asked && is_random(value)) || finds(value)
}

fn says_so(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let mut parts =
        name.split('_').map(|part| part.strip_suffix('S').filter(|_| part != "PASS").unwrap_or(part));
    parts.any(|part| {
        SAYS_SO.iter().any(|word| if WHOLE.contains(word) { part == *word } else { part.ends_with(word) })
    })
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// `user:password@host`.
fn holds_password(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.split_once(':').is_some_and(|(_, word)| !word.is_empty()))
}

fn is_random(value: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+/=.~".contains(&byte);
    value.len() >= WORD_BYTES_MIN
        && value.bytes().all(is_word)
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn finds(value: &str) -> bool {
    !Scanner::standard().find(None, value.as_bytes()).is_empty()
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn a_name_or_a_value_tells() {
        let secrets = [
            ("NPM_TOKEN", "abcdefgh"),
            ("ANTHROPIC_API_KEY", "sk-none-such"),
            ("DB_PASSWORD", "correct horse battery"),
            ("PGPASSWORD", "swordfish"),
            ("AWS_SECRET_ACCESS_KEY", "some thing"),
            ("github_pat", "whatever"),
            ("APP_CREDENTIALS", "{\"a\": 1}"),
            ("DATABASE_URL", "postgres://ann:pw@db/x"),
            ("CANARY", "swarm-canary-12345"),
        ];
        for (name, value) in secrets {
            assert!(is_secret(name, value, true), "{name}");
        }
        let plain = [
            ("AWS_REGION", "us-east-1"),
            ("ANTHROPIC_BASE_URL", "https://models.example.org/v1/messages"),
            ("CLAUDE_CODE_MAX_OUTPUT_TOKENS", "32000"),
            ("CODEX_HOME", "/tmp"),
            ("SSH_AUTH_SOCK", "/tmp"),
            ("GIT_AUTHOR_NAME", "Ann Onymous"),
            ("NODE_ENV", "production"),
            ("GH_HOST", "github.example.org"),
            ("USE_TOKENS", "false"),
        ];
        for (name, value) in plain {
            assert!(!is_secret(name, value, true), "{name}");
        }
        assert!(!is_secret("ANTHROPIC_MODEL", "claude-sonnet-4-5-20250929", false), "nobody asked for it");
    }
}

//! The secret first segment of the proxy's base URL. It is compared without telling how much of it was right, and never printed.

use std::fmt::{self, Write as _};
use std::hint::black_box;
use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

use super::error::ProxyError;

const BYTES: usize = 16;

/// 128 bits of the system's generator, as 32 hexadecimal digits.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A new one.
    pub fn random() -> Result<Self, ProxyError> {
        let mut bytes = [0; BYTES];
        let filled = getrandom(&mut bytes, GetRandomFlags::empty());
        let filled = filled.map_err(|errno| ProxyError::Random(errno.into()))?;
        if filled < BYTES {
            return Err(ProxyError::Random(io::ErrorKind::UnexpectedEof.into()));
        }
        let mut digits = String::with_capacity(2 * BYTES);
        for byte in bytes {
            write!(digits, "{byte:02x}").expect("a string takes everything");
        }
        Ok(Self(digits))
    }

    /// Its digits.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is this. How long that takes depends on the length of `said` alone.
    pub(super) fn is(&self, said: &str) -> bool {
        let (own, said) = (self.0.as_bytes(), said.as_bytes());
        let pairs = said.iter().enumerate().map(|(at, byte)| byte ^ own[at % own.len()]);
        black_box(pairs.fold(0, |differs, pair| black_box(differs | pair))) == 0 && own.len() == said.len()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn a_token_is_itself_and_nothing_else() {
        let token = Token::random().expect("the system has random numbers");
        let digits = token.reveal().to_owned();
        assert_eq!(digits.len(), 32);
        assert!(token.is(&digits));
        let other = Token::random().expect("the system has random numbers");
        for wrong in ["", &digits[..31], &format!("{digits}{digits}"), &format!("{digits}0"), other.reveal()]
        {
            assert!(!token.is(wrong), "{wrong}");
        }
        assert!(!format!("{token:?}").contains(&digits[..4]));
    }
}

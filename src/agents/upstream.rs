//! Where programs send their calls by themselves, from the settings that they go by. Asks no server and reads no key.

use super::adapter::GATEWAY;

/// Where Anthropic's API is.
pub(super) const ANTHROPIC: &str = "https://api.anthropic.com";
/// Where `OpenAI`'s API is.
pub(super) const OPENAI: &str = "https://api.openai.com/v1";
/// Where Gemini's API is.
pub(super) const GEMINI: &str = "https://generativelanguage.googleapis.com";

/// A variable that is set to something.
pub(super) fn set(name: &str, env: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    env(name).filter(|value| !value.is_empty())
}

/// The first of these variables that is set, or else a server.
pub(super) fn one_of(names: &[&str], env: &dyn Fn(&str) -> Option<String>, else_: &str) -> String {
    names.iter().find_map(|name| set(name, env)).unwrap_or_else(|| else_.to_owned())
}

/// What `LiteLLM` reads a provider's server from, in the order in which it looks.
const OPENAI_NAMES: [&str; 2] = ["OPENAI_BASE_URL", "OPENAI_API_BASE"];
const ANTHROPIC_NAMES: [&str; 2] = ["ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"];

/// Where a program that calls models through `LiteLLM` finds one. Only a name with its provider says that.
pub(super) fn of_litellm(
    model: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let model = model.ok_or("the plan names no model for it")?;
    match model.split_once('/').map(|(provider, _)| provider) {
        Some("openai") => Ok(one_of(&OPENAI_NAMES, env, OPENAI)),
        Some("anthropic") => Ok(one_of(&ANTHROPIC_NAMES, env, ANTHROPIC)),
        _ => Err(format!("`{model}` is not a model of `openai/` or `anthropic/`")),
    }
}

/// What sends its calls to the proxy. Of the other provider nothing is called.
pub(super) fn to_gateway() -> impl Iterator<Item = (String, String)> {
    OPENAI_NAMES.into_iter().chain(ANTHROPIC_NAMES).map(|name| (name.to_owned(), GATEWAY.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{of_litellm, to_gateway};

    #[test]
    fn a_model_is_where_its_provider_is() {
        let none = |_: &str| None;
        let own = |name: &str| (name == "OPENAI_API_BASE").then(|| "http://here/v1".to_owned());
        assert_eq!(of_litellm(Some("openai/gpt-5"), &none).as_deref(), Ok("https://api.openai.com/v1"));
        assert_eq!(of_litellm(Some("openai/gpt-5"), &own).as_deref(), Ok("http://here/v1"));
        assert_eq!(of_litellm(Some("anthropic/x"), &own).as_deref(), Ok("https://api.anthropic.com"));
        for model in [None, Some("sonnet"), Some("gemini/pro")] {
            assert!(of_litellm(model, &own).is_err(), "{model:?}");
        }
        assert_eq!(to_gateway().count(), 4);
    }
}

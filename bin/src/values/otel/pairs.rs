//! Lists such as `a=1,b=2` in a variable, with `%2C` for a comma.

use crate::values::ValueError;

/// Names and values, without the blanks around them and with what is percent-encoded decoded. No
/// message quotes a value, which may be a secret.
pub(crate) fn pairs(text: &str) -> Result<Vec<(String, String)>, ValueError> {
    let entries = text.split(',').map(str::trim).enumerate();
    let given = entries.filter(|(_, entry)| !entry.is_empty());
    given
        .map(|(at, entry)| {
            let wrong = |why: &str| ValueError(format!("entry {} {why}", at + 1));
            let (name, value) = entry.split_once('=').ok_or_else(|| wrong("has no `=`"))?;
            let [name, value] = [name, value].map(|part| {
                decoded(part.trim()).ok_or_else(|| {
                    wrong("has a `%` without two hexadecimal digits of UTF-8 (`%25` is a `%`)")
                })
            });
            match (name?, value?) {
                (name, _) if name.is_empty() => Err(wrong("has no name")),
                pair => Ok(pair),
            }
        })
        .collect()
}

/// The text with each `%20` and the like decoded; none where one is malformed.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let digits =
            part.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_decoded() {
        let of = |text: &str| -> Vec<String> {
            pairs(text)
                .unwrap()
                .into_iter()
                .map(|(name, value)| format!("{name}|{value}"))
                .collect()
        };
        assert_eq!(of("authorization=Bearer%20t"), ["authorization|Bearer t"]);
        assert_eq!(of(" a = 1 , b=x=y,,c= ,"), ["a|1", "b|x=y", "c|"]);
        assert_eq!(of("k=a%2Cb+c,team=%C3%A9quipe"), ["k|a,b+c", "team|\u{e9}quipe"]);
    }

    #[test]
    fn what_is_malformed_is_told_by_its_place() {
        for (wrong, place) in [
            ("a=1,s3cret", "entry 2"),
            ("=s3cret", "entry 1"),
            ("a=s3cret%2", "entry 1"),
            ("a=%FF", "entry 1"),
        ] {
            let error = pairs(wrong).unwrap_err().to_string();
            assert!(error.starts_with(place) && !error.contains("s3cret"), "{error}");
        }
    }
}

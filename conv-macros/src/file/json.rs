//! As much of JSON as the header of a checkpoint needs, which is nearly all of it.

/// A value. Numbers other than sizes, and the three words, are nothing that a header has a use for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    String(String),
    Size(usize),
    Other,
}

/// Values nested deeper than this are refused, as a bound on the parser's stack.
const DEEPEST: usize = 32;

/// The value that is the whole text.
pub(super) fn parse(text: &str) -> Option<Json> {
    let mut parser = Parser { rest: text };
    let value = parser.value(0)?;
    parser.skip_spaces();
    parser.rest.is_empty().then_some(value)
}

impl Json {
    /// The field of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    pub(super) fn array(&self) -> Option<&[Self]> {
        let Self::Array(values) = self else { return None };
        Some(values)
    }

    pub(super) fn string(&self) -> Option<&str> {
        let Self::String(text) = self else { return None };
        Some(text)
    }

    pub(super) fn size(&self) -> Option<usize> {
        let Self::Size(size) = self else { return None };
        Some(*size)
    }
}

struct Parser<'t> {
    rest: &'t str,
}

impl Parser<'_> {
    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes the token, and says whether it was there.
    fn take(&mut self, token: &str) -> Option<()> {
        self.skip_spaces();
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.skip_spaces();
        match self.rest.chars().next()? {
            _ if depth > DEEPEST => None,
            '{' => self.list("{", "}", |parser| parser.field(depth)).map(Json::Object),
            '[' => self.list("[", "]", |parser| parser.value(depth + 1)).map(Json::Array),
            '"' => self.string().map(Json::String),
            _ => self.scalar(),
        }
    }

    fn field(&mut self, depth: usize) -> Option<(String, Json)> {
        self.skip_spaces();
        let name = self.string()?;
        self.take(":")?;
        Some((name, self.value(depth + 1)?))
    }

    /// Elements between two brackets, with commas.
    fn list<T>(
        &mut self,
        open: &str,
        close: &str,
        mut element: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.take(open)?;
        let mut list = Vec::new();
        if self.take(close).is_some() {
            return Some(list);
        }
        loop {
            list.push(element(self)?);
            if self.take(close).is_some() {
                return Some(list);
            }
            self.take(",")?;
        }
    }

    fn string(&mut self) -> Option<String> {
        self.rest = self.rest.strip_prefix('"')?;
        let mut text = String::new();
        loop {
            let mut chars = self.rest.chars();
            let char = match chars.next()? {
                '"' => {
                    self.rest = chars.as_str();
                    return Some(text);
                }
                '\\' => match chars.next()? {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'u' => {
                        let (digits, rest) = chars.as_str().split_at_checked(4)?;
                        chars = rest.chars();
                        // Half of a pair stands for itself: such a name is none that anybody asks for.
                        char::from_u32(u32::from_str_radix(digits, 16).ok()?).unwrap_or('\u{fffd}')
                    }
                    escaped => escaped,
                },
                plain => plain,
            };
            text.push(char);
            self.rest = chars.as_str();
        }
    }

    /// A number or a word.
    fn scalar(&mut self) -> Option<Json> {
        let end = self.rest.find([',', ']', '}', ' ', '\t', '\n', '\r']).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        match token {
            "" => None,
            "true" | "false" | "null" => Some(Json::Other),
            _ if token.bytes().all(|byte| byte.is_ascii_digit()) => token.parse().ok().map(Json::Size),
            _ => token.parse::<f64>().ok().map(|_| Json::Other),
        }
    }
}

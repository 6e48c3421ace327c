//! The configured queries, checked at start.

/// The query for one document of the standard table (`infra/aurora/schema.sql`).
pub const DOCUMENT_SQL: &str =
    "SELECT title, content FROM documents WHERE id = :id AND (owner IS NULL OR owner = :principal)";
/// The same query, as it is sent: it tells too whether everybody may read the document.
const DOCUMENT_AND_PUBLIC_SQL: &str = "SELECT title, content, owner IS NULL AS public \
    FROM documents WHERE id = :id AND (owner IS NULL OR owner = :principal)";
/// The search in the standard table.
const SEARCH_SQL: &str = "SELECT * FROM chatbot_search(:terms, :principal, :document_id)";
/// The parameters of a search.
const SEARCH_PARAMETERS: [&str; 4] = ["terms", "question", "principal", "document_id"];

/// The reason why a query is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// It does not select by document id.
    #[error("must use :id")]
    NoId,
    /// It would return every document to everybody.
    #[error("must use :principal, unless documents are declared public")]
    NoPrincipal,
    /// It uses an unknown parameter.
    #[error("uses :{0}, but the only parameters are :id and :principal")]
    Unknown(String),
    /// It is a search without terms.
    #[error("must use :terms or :question")]
    NoTerms,
    /// It is a search that would find everybody's documents.
    #[error("must use :principal")]
    NoReader,
    /// It is a search that uses an unknown parameter.
    #[error(
        "uses :{0}, but the only parameters are :terms, :question, :principal and :document_id"
    )]
    UnknownInSearch(String),
}

/// A query for one document, with the named parameters `:id` and, unless documents are public,
/// `:principal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentSql {
    text: String,
    names_principal: bool,
}

impl DocumentSql {
    /// Checks a query; with `public`, everybody may read every document.
    pub fn parse(text: &str, public: bool) -> Result<Self, SqlError> {
        let names = parameters(text);
        if let Some(unknown) = names.iter().find(|name| !["id", "principal"].contains(name)) {
            return Err(SqlError::Unknown((*unknown).to_owned()));
        }
        let names_principal = names.contains(&"principal");
        match (names.contains(&"id"), names_principal || public) {
            (false, _) => Err(SqlError::NoId),
            (true, false) => Err(SqlError::NoPrincipal),
            (true, true) => Ok(Self { text: text.trim().to_owned(), names_principal }),
        }
    }

    pub(super) fn text(&self) -> &str {
        if self.is_standard() { DOCUMENT_AND_PUBLIC_SQL } else { &self.text }
    }

    pub(super) fn names_principal(&self) -> bool {
        self.names_principal
    }

    /// Tells whether it reads the standard table.
    pub fn is_standard(&self) -> bool {
        self.text == DOCUMENT_SQL
    }
}

/// A query for passages, with the named parameters `:principal`, `:terms` or `:question`, and
/// `:document_id`.
///
/// It returns the columns `document_id`, `owner` (`NULL` if everybody may read it) and `passage`,
/// and may return `title`, `source_url`, `version`, `ordinal`, `start_at`, `end_at`, `headings` (a
/// JSON array) and `statistics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchSql {
    text: String,
    names: Vec<String>,
}

impl SearchSql {
    /// Returns the search in the standard table.
    pub fn standard() -> Self {
        let names = ["terms", "principal", "document_id"].map(str::to_owned);
        Self { text: SEARCH_SQL.to_owned(), names: names.into() }
    }

    /// Checks a query.
    pub fn parse(text: &str) -> Result<Self, SqlError> {
        let names = parameters(text);
        if let Some(unknown) = names.iter().find(|name| !SEARCH_PARAMETERS.contains(name)) {
            return Err(SqlError::UnknownInSearch((*unknown).to_owned()));
        }
        if !names.contains(&"principal") {
            return Err(SqlError::NoReader);
        }
        if !names.contains(&"terms") && !names.contains(&"question") {
            return Err(SqlError::NoTerms);
        }
        let names = names.into_iter().map(str::to_owned).collect();
        Ok(Self { text: text.trim().to_owned(), names })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn names(&self, parameter: &str) -> bool {
        self.names.iter().any(|name| name == parameter)
    }
}

/// Returns the named parameters outside string literals, quoted identifiers and comments; `::` is a
/// cast.
fn parameters(sql: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '\'' | '"' => skip_past(&rest[1..], rest.get(..1).unwrap_or_default()),
            '-' if rest.starts_with("--") => skip_past(rest, "\n"),
            '/' if rest.starts_with("/*") => skip_past(rest, "*/"),
            ':' if rest.starts_with("::") => &rest[2..],
            ':' => {
                let end = rest[1..]
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .map_or(rest.len(), |at| at + 1);
                names.extend(rest.get(1..end).filter(|name| !name.is_empty()));
                &rest[end..]
            }
            other => &rest[other.len_utf8()..],
        };
    }
    names
}

fn skip_past<'sql>(sql: &'sql str, end: &str) -> &'sql str {
    sql.find(end).map_or("", |at| &sql[at + end.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, public: bool, error: Option<&SqlError>) {
        assert_eq!(DocumentSql::parse(sql, public).err().as_ref(), error, "{sql}");
    }

    const ALL: &str = "SELECT title, content FROM documents WHERE id = :id";

    #[test]
    fn a_query_is_bound_to_the_principal_unless_documents_are_public() {
        check(&format!("{ALL} AND (owner IS NULL OR owner = :principal)"), false, None);
        check(ALL, true, None);
        check(ALL, false, Some(&SqlError::NoPrincipal));
        check(
            "SELECT content FROM documents WHERE owner = :principal",
            false,
            Some(&SqlError::NoId),
        );
    }

    #[test]
    fn only_real_parameters_count() {
        check(&format!("{ALL}::uuid -- :principal"), false, Some(&SqlError::NoPrincipal));
        check(&format!("{ALL} AND owner = ':principal'"), false, Some(&SqlError::NoPrincipal));
        check(&format!("{ALL} /* é :x */ AND \":y\" = :principal"), false, None);
        check(
            &format!("{ALL} AND owner = :principal_id"),
            false,
            Some(&SqlError::Unknown("principal_id".into())),
        );
        check("SELECT ':id", true, Some(&SqlError::NoId));
    }

    #[test]
    fn a_search_is_bound_to_the_principal() {
        let check = |sql: &str, error: Option<SqlError>| {
            assert_eq!(SearchSql::parse(sql).err(), error, "{sql}");
        };
        check(SEARCH_SQL, None);
        check("SELECT * FROM found(:question, :principal)", None);
        check("SELECT * FROM found(:question)", Some(SqlError::NoReader));
        check("SELECT * FROM found(:principal)", Some(SqlError::NoTerms));
        let unknown = SqlError::UnknownInSearch("limit".to_owned());
        check("SELECT * FROM found(:terms, :principal) LIMIT :limit", Some(unknown));
        assert_eq!(SearchSql::parse(SEARCH_SQL), Ok(SearchSql::standard()));
    }
}

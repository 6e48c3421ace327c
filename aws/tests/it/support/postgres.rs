//! A real `PostgreSQL` behind a stand-in for the Data API, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aws::documents::{
    DOCUMENT_SQL, Database, DocumentSettings, DocumentSql, RdsDocuments, RdsLibrary, SearchSql,
};
use aws::sdk::{Sdk, Service};
use aws_sdk_rdsdata::Client;
use aws_sdk_rdsdata::types::{Field, SqlParameter};

use super::aws_environment::settings;
use super::config::environment;

/// Where `cargo xtask test` installs the stand-in's packages.
const PYTHON: &str = "../target/tools/venv/bin/python";
/// Where the stand-in is.
const STORIES: &str = "../infra/e2e";

/// A running server with the schema of `infra/aurora`; it ends with this.
pub(crate) struct Postgres {
    child: Child,
    pub(crate) sdk: Sdk,
    client: Client,
}

impl Postgres {
    /// Starts a server. Where it is not installed the test is skipped, but not in CI.
    pub(crate) fn start() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = folder.join(PYTHON);
        let is_installed = Path::new("/usr/lib/postgresql").exists();
        if !python.exists() || !is_installed {
            let ci = environment().text("CI") == Some("true");
            assert!(
                !ci,
                "PostgreSQL, or the packages of infra/checks/requirements.txt, are missing"
            );
            println!("skipped: PostgreSQL or the packages of infra/checks are not installed");
            return None;
        }
        let mut command = Command::new(python);
        command.args(["-m", "harness.data_api"]).current_dir(folder.join(STORIES));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().expect("the stand-in says where it listens").unwrap();
        let (_, url) = line.split_once("Running on ").expect("an address");
        let sdk = Sdk::new(settings(url));
        let client = Client::new(&sdk.config(Service::RdsData));
        Some(Self { child, sdk, client })
    }

    /// Returns the database for one of its logins.
    pub(crate) fn database(login: &str) -> Database {
        Database {
            cluster_arn: "arn:cluster".to_owned(),
            secret_arn: format!("arn:secret:{login}"),
            name: "learningyogi".to_owned(),
        }
    }

    /// Returns the documents as the worker reads them.
    pub(crate) fn documents(&self) -> RdsDocuments {
        let settings = DocumentSettings {
            database: Self::database("chatbot_reader"),
            sql: DocumentSql::parse(DOCUMENT_SQL, false).unwrap(),
            search: Some(SearchSql::standard()),
        };
        RdsDocuments::new(&self.sdk, settings)
    }

    /// Returns the library as operators keep it.
    pub(crate) fn library(&self) -> RdsLibrary {
        RdsLibrary::new(&self.sdk, Self::database("chatbot_editor"))
    }

    /// Runs a statement as a login; returns the first column of the first row, or the error.
    pub(crate) async fn run_as(
        &self,
        login: &str,
        sql: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Option<Field>, String> {
        let database = Self::database(login);
        let mut call = self.client.execute_statement().sql(sql).database(database.name);
        call = call.resource_arn(database.cluster_arn).secret_arn(database.secret_arn);
        for (name, value) in parameters {
            let value = Field::StringValue((*value).to_owned());
            call = call.parameters(SqlParameter::builder().name(*name).value(value).build());
        }
        let output =
            call.send().await.map_err(|error| format!("{:?}", error.into_service_error()))?;
        Ok(output
            .records
            .unwrap_or_default()
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next()))
    }

    /// Runs a statement as the product does; returns the first value as text.
    pub(crate) async fn run(&self, sql: &str, parameters: &[(&str, &str)]) -> String {
        match self.run_as("admin", sql, parameters).await.unwrap() {
            Some(Field::StringValue(text)) => text,
            Some(Field::LongValue(number)) => number.to_string(),
            Some(Field::BooleanValue(yes)) => yes.to_string(),
            _ => String::new(),
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The end of its input lets it stop the server and remove its folder.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

//! Texts that hold a design: by names, by indices, or a record of FARSI.

use std::path::Path;

use serde::Deserialize;

use crate::design::Design;
use crate::encoding::Arrays;
use crate::error::{Error, Result};
use crate::library::Library;
use crate::record::Record;
use crate::source::{Source, read_text};
use crate::workload::Workload;
use crate::written::Written;

/// A design with the names of its blocks, as it was read.
#[derive(Clone, Debug)]
pub struct NamedDesign {
    /// The design.
    pub design: Design,
    /// Names of processors, then memories, then buses.
    pub names: Vec<String>,
}

/// A text that holds a design, before it is known for what.
#[derive(Clone, Debug)]
pub struct DesignText {
    file: String,
    text: String,
}

impl DesignText {
    /// Reads a file. Errors: [`Error::Io`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Ok(Self { file: path.display().to_string(), text: read_text(path)? })
    }

    /// A text; `file` is its name in messages.
    pub fn new(text: impl Into<String>, file: impl Into<String>) -> Self {
        Self { file: file.into(), text: text.into() }
    }

    /// The workload that the text names, if it does. Errors: a text that does not read.
    pub fn workload(&self) -> Result<Option<String>> {
        #[derive(Deserialize)]
        struct Named {
            #[serde(default)]
            workload: Option<String>,
        }
        let source = self.source();
        if source.is_json() {
            Ok(source.read::<Named>()?.workload)
        } else {
            Ok(source.read::<Written>()?.workload)
        }
    }

    /// The design. Errors: a text that does not read, names and indices that do not exist, tasks without a place.
    pub fn design(&self, workload: &Workload, library: &Library) -> Result<NamedDesign> {
        let source = self.source();
        if !source.is_json() {
            return source.read::<Written>()?.design(&source, workload, library);
        }
        let value: serde_json::Value = source.read()?;
        let fields: Vec<&str> =
            value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let holds = |names: &[&str]| names.iter().any(|name| fields.contains(name));
        let (design, names) = if holds(&["encoding", "decoded", "blocks"]) {
            if let Some(unknown) = fields.iter().find(|field| !Record::FIELDS.contains(field)) {
                return Err(source.about(
                    unknown,
                    0,
                    format!("a record has no field `{unknown}`"),
                    format!("expected some of: {}", Record::FIELDS.join(", ")),
                ));
            }
            source.read::<Record>()?.design(workload, library).map_err(|error| self.place(error))?
        } else if holds(&["pe_allocation"]) {
            let design =
                source.read::<Arrays>()?.design(workload, library).map_err(|error| self.place(error))?;
            let names = design.names();
            (design, names)
        } else {
            return source.read::<Written>()?.design(&source, workload, library);
        };
        Ok(NamedDesign { design, names })
    }

    fn source(&self) -> Source<'_> {
        Source { file: &self.file, text: &self.text }
    }

    /// The same error with the name of the file.
    fn place(&self, error: Error) -> Error {
        match error {
            Error::Design { message, remedy } => Error::design(format!("{}: {message}", self.file), remedy),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> std::result::Result<NamedDesign, String> {
        let workload = Workload::builtin("edge_detection").map_err(|error| error.to_string())?;
        let library = Library::farsi(&workload);
        DesignText::new(text, "d").design(&workload, &library).map_err(|error| error.to_string())
    }

    const WRITTEN: &str = "(\n  processors: [(name: \"cpu\", block: \"A53_pe\", bus: \"main\")],\n  \
        memories: [(name: \"ram\", block: \"GMEM_0_1_mem\", bus: \"main\")],\n  \
        buses: [(name: \"main\", block: \"LMEM_ic_0_1_ic\")],\n  others: (processor: \"cpu\", memory: \"ram\"),\n)";

    #[test]
    fn names_and_integers_say_the_same() {
        let named = read(WRITTEN).unwrap();
        let zeros = |count: usize| vec!["0"; count].join(", ");
        let arrays = format!(
            "{{\"pe_allocation\": [0], \"mem_allocation\": [0], \"bus_allocation\": [0], \"pe_to_bus_connection\": [0], \
             \"bus_to_bus_connection\": [-1], \"mem_to_bus_connection\": [0], \"task_to_pe_mapping\": [{}], \
             \"task_to_mem_mapping\": [{}]}}",
            zeros(8),
            zeros(8)
        );
        assert_eq!(named.design, read(&arrays).unwrap().design);
        assert_eq!(named.names, ["cpu", "ram", "main"]);
    }

    #[test]
    fn what_does_not_exist_is_named_with_its_place() {
        let error = |from: &str, to: &str| read(&WRITTEN.replace(from, to)).err().unwrap_or_default();
        let block = error("A53_pe", "A35_pe");
        assert!(block.contains("d:2:") && block.contains("did you mean `A53_pe`"), "{block}");
        assert!(
            error("bus: \"main\")],\n  memories", "bus: \"mian\")],\n  memories")
                .contains("bus of this design `mian`")
        );
        let homeless = error("others: (processor: \"cpu\", memory: \"ram\")", "tasks: {}");
        assert!(homeless.contains("task `souurce` of `edge_detection` has no processor"), "{homeless}");
        let short = read("{\"encoding\": [0, 1]}").err().unwrap_or_default();
        assert!(short.contains("expected 34"), "{short}");
    }
}

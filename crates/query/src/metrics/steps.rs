//! A series on its way to be finished.

use crate::answer::{Exemplar, Label};

/// Series whose samples are by step: none where there is no sample.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    pub(super) labels: Vec<(String, Label)>,
    pub(super) values: Vec<Option<f64>>,
    pub(super) exemplars: Vec<Exemplar>,
}

//! The table of the page's files. A test holds it against the folder.

/// A file's name below `crates/ingester/page`, and what is in it.
macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../../page/", $name)))),*]
    };
}

/// All that is sent, by name.
pub(super) const FILES: &[(&str, &[u8])] = files! {
    "css/base.css"
    "css/search.css"
    "css/trace.css"
    "icon.svg"
    "index.html"
    "js/address.js"
    "js/api.js"
    "js/boot.js"
    "js/charts/view.js"
    "js/colour.js"
    "js/dom.js"
    "js/format.js"
    "js/keys.js"
    "js/loader.js"
    "js/main.js"
    "js/map/draw.js"
    "js/map/layout.js"
    "js/map/trace.js"
    "js/map/view.js"
    "js/model/bytes.js"
    "js/model/edges.js"
    "js/model/find.js"
    "js/model/otlp.js"
    "js/model/readers.js"
    "js/model/rows.js"
    "js/model/span.js"
    "js/model/table.js"
    "js/model/times.js"
    "js/model/tree.js"
    "js/model/writers.js"
    "js/search/editor.js"
    "js/search/nothing.js"
    "js/search/range.js"
    "js/search/results.js"
    "js/search/scatter.js"
    "js/search/slices.js"
    "js/search/view.js"
    "js/settings.js"
    "js/status/metrics.js"
    "js/status/view.js"
    "js/trace/details.js"
    "js/trace/head.js"
    "js/trace/minimap.js"
    "js/trace/state.js"
    "js/trace/table.js"
    "js/trace/view.js"
    "js/trace/waterfall.js"
    "js/traceql/chips.js"
    "js/traceql/context.js"
    "js/traceql/lex.js"
    "js/traceql/write.js"
    "js/worker.js"
};

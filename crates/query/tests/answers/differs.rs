//! Questions that are answered otherwise than recorded, by design.

/// A question's id and why its answer differs.
pub(crate) type Differs = (&'static str, &'static str);

const CONDITION: &str = "an attribute is listed with the values that meet the condition on it; the \
     recorded answer is that of a query that asks for the attribute without one";
const CHILDREN: &str = "children are counted by their parents' ids, also in traces without a root, \
     where Tempo counts some and not others";
const BOTH_SIDES: &str = "both sides of each pair are given; Tempo leaves out some on the left";
const NO_ROOT: &str = "relations hold also in a trace whose root is missing, as they do below any \
     other span that is missing";
const MISSING: &str = "what is missing is left out, also where Tempo has a column for it in each \
     block and says nil";
const ORDER: &str = "nested set numbers depend on the order in which a trace's spans are stored";
const NAMES: &str = "with a filter those names are told, of all scopes, that its spans have; Tempo \
     adds names that no such span has and leaves out others";

/// Searches, wherever the spans are.
pub(crate) const SEARCH: &[Differs] = &[
    ("s-search-004", CHILDREN),
    ("s-search-135", CONDITION),
    ("s-search-136", CONDITION),
    ("s-search-239", CONDITION),
    ("s-search-371", CHILDREN),
    ("s-search-372", CHILDREN),
    ("s-search-401", CONDITION),
    ("s-search-454", BOTH_SIDES),
    ("s-search-456", BOTH_SIDES),
    ("s-search-460", NO_ROOT),
    ("s-search-461", NO_ROOT),
    ("s-search-465", NO_ROOT),
    ("s-search-466", NO_ROOT),
    ("s-search-470", NO_ROOT),
    ("s-search-471", NO_ROOT),
    ("s-search-533", MISSING),
    ("s-search-567", MISSING),
    ("s-search-640", NO_ROOT),
    ("cs-search-008", MISSING),
];

/// Searches in blocks that Tempo wrote.
pub(crate) const SEARCH_OF_TEMPO: &[Differs] = &[
    ("s-search-439", "the block's own numbers of spans by service count a span twice"),
    ("s-search-440", "the block's own numbers of spans by service count a span twice"),
    ("s-search-634", "the block holds the text as Tempo cut it"),
];

/// Searches of which a block with vParquet5 has the numbers of children as Tempo counts them.
pub(crate) const COUNTED_BY_TEMPO: &[&str] = &["s-search-004"];

/// Searches in blocks of our own and in memory.
pub(crate) const SEARCH_OF_OURS: &[Differs] = &[
    ("s-search-065", ORDER),
    ("s-search-066", ORDER),
    ("s-search-370", ORDER),
    ("s-search-639", ORDER),
    ("s-search-641", ORDER),
];

/// Metrics, wherever the spans are.
pub(crate) const METRICS: &[Differs] = &[
    ("s-query_range-055", NO_ROOT),
    ("s-query_range-056", NO_ROOT),
    ("s-query_range-057", BOTH_SIDES),
    ("s-query_range-067", CHILDREN),
    ("s-query_range-076", "Tempo counts an attribute twice that stands in the filter, too"),
    ("s-query_range-077", "Tempo counts an attribute twice that stands in the filter, too"),
];

/// Names and values, wherever the spans are.
pub(crate) const TAGS: &[Differs] = &[
    ("s-tags-025", NAMES),
    ("s-tags-026", NAMES),
    ("s-tags-027", NAMES),
    ("s-tags-028", NAMES),
    ("s-tags-030", NAMES),
    ("s-tags-031", NAMES),
    ("s-tags-032", NAMES),
    ("s-tags-035", NAMES),
    ("s-tags-036", NAMES),
    ("s-tags-037", NAMES),
    ("s-values-066", "a condition on the whole trace narrows the values like any other"),
];

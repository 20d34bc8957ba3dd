//! What a block costs: `cargo bench -p tributary-block`.

fn main() {}

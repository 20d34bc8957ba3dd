//! Repository chores: `cargo xtask` lists them. Each is a module of the library beside this.

fn main() -> anyhow::Result<()> {
    xtask::chore(std::env::args_os().skip(1))
}

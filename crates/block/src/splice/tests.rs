use super::*;
use crate::read::Entries;
use crate::write::{BlockWriter, FinishedBlock, SpliceError, write};
use prost::Message;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_testkit::sample;

fn columns(seed: u64) -> Columns {
    let mut builder = Builder::new();
    let request = sample::request(seed).encode_to_vec();
    append_all(&mut builder, &request, &Limits::default()).unwrap();
    builder.take()
}

fn block(seeds: &[u64], rows: usize) -> FinishedBlock {
    let batches: Vec<Columns> = seeds.iter().map(|seed| columns(*seed)).collect();
    let settings = WriterSettings { row_group_spans: rows, ..WriterSettings::default() };
    write(Uuid::nil(), "t", &batches.iter().collect::<Vec<_>>(), &settings).unwrap()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).unwrap()
}

/// Entries of a leaf over all row groups: levels, and values as text.
type Said = (Vec<u8>, Vec<u8>, Vec<String>);

/// What a block says, leaf by leaf, also what spans are not read from.
fn said(made: &FinishedBlock) -> Vec<(String, Said)> {
    let block = wait(Block::open(made, made.meta.clone())).unwrap();
    let groups = (0..block.row_groups()).map(|group| {
        let rows = wait(block.trace_ids(made, group)).unwrap().len();
        wait(block.piece(made, group, 0..rows)).unwrap()
    });
    let pieces: Vec<Piece> = groups.collect();
    let leaves = crate::schema::leaves().into_iter().enumerate();
    leaves
        .map(|(number, leaf)| {
            let mut all = Said::default();
            let mut add = |rep: &[u8], def: &[u8], values: Vec<String>| {
                all.0.extend_from_slice(rep);
                all.1.extend_from_slice(def);
                all.2.extend(values);
            };
            for piece in &pieces {
                match piece.leaf(number).unwrap() {
                    Entries::Texts(texts) => {
                        let values = texts.decoded.values.iter();
                        let values = values.map(|n| format!("{:?}", texts.dictionary.get(*n)));
                        add(&texts.decoded.rep, &texts.decoded.def, values.collect());
                    }
                    Entries::Ints(d) => add(&d.rep, &d.def, told(&d.values)),
                    Entries::Doubles(d) => add(&d.rep, &d.def, told(&d.values)),
                    Entries::Bools(d) => add(&d.rep, &d.def, told(&d.values)),
                }
            }
            (leaf.path, all)
        })
        .collect()
}

fn told<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(T::to_string).collect()
}

fn spliced(inputs: &[FinishedBlock], spans: usize) -> FinishedBlock {
    let settings = WriterSettings::default();
    let blocks = inputs.iter().map(|block| (block.meta.clone(), block.clone())).collect();
    let opened = wait(Splice::open(blocks, &settings.dedicated, spans)).unwrap();
    let Opened::Splice(mut splice) = opened else { panic!("they are ours") };
    let mut writer = BlockWriter::new(Uuid::nil(), "t", settings).unwrap();
    while let Some(step) = wait(splice.next()).unwrap() {
        let taken = writer.splice(&step).unwrap();
        splice.count(&taken);
    }
    writer.finish().unwrap()
}

#[test]
fn every_leaf_says_what_it_says_in_a_block_of_the_same_spans() {
    // Each with traces of its own, and with one that others have as well.
    let held: [&[u64]; 3] = [&[1, 2, 3, 4, 5, 20], &[6, 7, 20, 8], &[9, 10, 11, 12, 21, 3]];
    let whole = said(&block(&held.concat(), usize::MAX));
    for rows in [1, 30, usize::MAX] {
        let inputs = held.map(|seeds| block(seeds, rows));
        for spans in [1, 25, usize::MAX >> 1] {
            let one = said(&spliced(&inputs, spans));
            for (expected, found) in whole.iter().zip(&one) {
                assert_eq!(expected, found, "{rows} {spans}");
            }
        }
    }
}

#[test]
fn another_schema_is_not_spliced() {
    let made = block(&[1], usize::MAX);
    let blocks = || vec![(made.meta.clone(), made.clone())];
    let other = wait(Splice::open(blocks(), &[], 100)).unwrap();
    assert!(matches!(other, Opened::Other(blocks) if blocks.len() == 1));
    let mut short = blocks();
    short.iter_mut().for_each(|(meta, _)| meta.total_objects += 1);
    let own = WriterSettings::default().dedicated;
    let Err(error) = wait(Splice::open(short, &own, 100)) else { panic!("it was opened") };
    assert_eq!(error.number, 0);
}

#[test]
fn the_block_that_is_corrupt_is_named() {
    let [good, bad] = [[1, 2, 3], [4, 5, 6]].map(|seeds| block(&seeds, usize::MAX));
    let own = WriterSettings::default().dedicated;
    let whole = bad.data.len() - usize::try_from(bad.meta.footer_size).unwrap();
    let mut named = 0;
    for at in (4..whole).step_by(97) {
        let mut bad = bad.clone();
        let mut data = bad.data.to_vec();
        data[at] ^= 0x55;
        bad.data = data.into();
        let blocks = [good.clone(), bad].map(|block| (block.meta.clone(), block));
        let Ok(Opened::Splice(mut splice)) = wait(Splice::open(blocks.into(), &own, 1000)) else {
            continue;
        };
        let step = match wait(splice.next()) {
            Ok(step) => step.unwrap(),
            Err(error) => {
                assert_eq!(error.number, 1, "{at}");
                named += 1;
                continue;
            }
        };
        let mut writer = BlockWriter::new(Uuid::nil(), "t", WriterSettings::default()).unwrap();
        match writer.splice(&step) {
            // A page's header says much that need not be right for its values to be.
            Ok(_) => {}
            Err(SpliceError::Input(error)) => {
                assert_eq!(error.number, 1, "{at}: {}", error.error);
                named += 1;
            }
            Err(SpliceError::Block(error)) => panic!("{at}: {error}"),
        }
    }
    assert!(named > 50, "{named}");
}

//! The core's tests, in one binary: its HTTP contract, its pure rules, and the watch in virtual time.

#![cfg(test)]

mod any_body;
mod any_json;
mod any_text;
mod cancel;
mod client;
mod deploy_kinds;
mod drive;
mod facts;
mod from_nuon;
mod invisible;
mod judging_table;
mod labelled;
mod model;
mod paging;
mod promises;
mod public_api;
mod reading;
mod reason;
mod requests;
mod resolve;
mod sign_in;
mod sockets;
mod step_states;
mod virtual_time;
mod watch;
mod workflow_ends;

/// Worlds that have shown a fault of the watch once.
const SHOWED_FAULTS: [u64; 68] = [
    200_058_486,
    200_062_223,
    200_087_902,
    200_140_096,
    400_004_194,
    400_074_703,
    700_034_893,
    900_053_893,
    900_067_947,
    1_000_009_641,
    1_000_011_892,
    1_100_063_712,
    1_100_103_920,
    1_100_158_804,
    2_200_033_592,
    2_000_154_235,
    2_500_008_902,
    2_900_069_034,
    3_100_063_679,
    3_100_069_221,
    3_100_077_652,
    3_500_124_601,
    3_800_011_523,
    3_800_035_310,
    3_800_048_773,
    3_800_154_349,
    3_800_177_399,
    3_810_010_562,
    3_841_010_088,
    3_841_014_240,
    3_860_007_830,
    3_870_042_334,
    3_910_080_641,
    3_920_076_520,
    3_930_157_096,
    3_930_284_643,
    4_020_022_992,
    4_030_013_639,
    4_030_031_759,
    4_030_049_160,
    4_040_075_280,
    4_040_111_127,
    4_070_105_276,
    4_080_057_625,
    4_090_057_287,
    4_110_015_235,
    4_200_121_314,
    4_220_033_894,
    4_220_120_786,
    4_230_196_932,
    4_230_197_751,
    4_230_232_969,
    4_230_248_409,
    4_240_062_936,
    4_250_161_308,
    4_250_174_157,
    4_310_184_368,
    4_340_522_262,
    4_341_593_343,
    4_342_034_168,
    4_345_085_020,
    4_355_291_007,
    4_360_313_994,
    4_380_007_832,
    4_380_255_685,
    4_382_058_195,
    4_401_056_774,
    4_402_781_202,
];

/// Plays those, and the first of the worlds that `examples/million.rs` plays.
#[test]
fn the_promises_hold() {
    let seeds = (1..=1000).chain(SHOWED_FAULTS);
    let played = seeds.map(|seed| (seed, promises::broken(seed)));
    let broken: Vec<(u64, Vec<String>)> = played.filter(|(_, found)| !found.is_empty()).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

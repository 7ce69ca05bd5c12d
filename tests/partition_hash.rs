//! `StableHash` is the same everywhere and good enough to route by.
#![cfg(feature = "partition")]

use std::collections::HashSet;

use shared_nothing::partition::{HASH_VERSION, StableHash, hash_bytes, hash_u64};

/// Key, seed, hash; computed by an implementation in another language from the definition in the module doc.
const GOLDEN_INTEGERS: &[(u64, u64, u64)] = &[
    (0, 0, 0xe220_a839_7b1d_cdaf),
    (1, 0, 0x910a_2dec_8902_5cc1),
    (u64::MAX, 0, 0xe4d9_7177_1b65_2c20),
    (0, 1, 0x6e78_9e6a_a1b9_65f4),
    (42, 1, 0x28ef_e333_b266_f103),
    (42, u64::MAX, 0xa759_ea27_d472_7622),
    (1 << 63, 7, 0x6250_485b_3cde_fbbd),
];

/// Length of the prefix of `golden_text`, its hash under seed 0 and under seed 0x0123_4567_89ab_cdef.
const GOLDEN_BYTES: &[(usize, u64, u64)] = &[
    (0, 0x2202_9ee1_9d87_c2c7, 0x40b9_dde0_f92e_02b0),
    (1, 0x28dd_6af9_7fe3_2d30, 0xc66d_ad63_557c_4646),
    (2, 0xdad0_e6cf_2060_bceb, 0x8cb8_6dc4_3441_6e4f),
    (3, 0xf99e_6068_ed99_192c, 0xb907_7c2d_f961_c721),
    (4, 0x3612_df4d_91a7_fa98, 0x07a1_c48a_226b_66c8),
    (5, 0x9bcd_e195_d961_0157, 0xc87f_1e8a_431c_2bf8),
    (6, 0x8c0e_4258_a3a1_04f6, 0x361c_7a14_97e0_780d),
    (7, 0x4342_01ee_2c0e_bd31, 0x5e5e_2f59_9c1f_ac0b),
    (8, 0xfef5_6979_f9a9_d013, 0xa8a5_e41d_cea6_a8fe),
    (9, 0x737b_5960_c428_3768, 0x1eed_b6ee_396f_c8e5),
    (10, 0xd0e5_725e_cf94_05fb, 0x4270_94a0_1287_dabc),
    (11, 0x7fe2_cbc8_90d8_2c14, 0x3882_3615_a18f_09ad),
    (12, 0x1cd9_8f3d_6c8e_2a7c, 0x45ca_e7a5_cd6e_1c80),
    (13, 0x9248_a338_26d2_be0c, 0x1838_cbe5_45dd_a296),
    (14, 0x0837_d89d_86cf_0f20, 0x3f0e_f51d_fb15_432b),
    (15, 0xb17e_24ed_de33_9a55, 0x50a6_54be_e331_fe2f),
    (16, 0xbb49_c669_67ae_363d, 0x9d56_c7fa_b86e_debb),
    (17, 0x740f_54dc_2799_df5f, 0xbc41_0936_e35d_5c03),
    (18, 0xafba_f3bc_ff38_8957, 0x13a5_71db_2155_bdb7),
    (19, 0x3937_023d_c9cf_4b91, 0xe5f9_70d5_ab56_2be6),
    (20, 0x062d_b66b_b7d2_89b4, 0x844b_ae81_c58a_d6b8),
    (21, 0x8771_e6d5_80f9_d457, 0xe881_553b_d925_c3a6),
    (22, 0x1016_9495_6d58_7e29, 0xf9c0_f3f4_14ce_08ed),
    (23, 0xdbf3_4b46_018c_c744, 0x92f1_88d2_e586_c973),
    (24, 0x9e70_44ba_f2b5_081b, 0xdfaa_376f_6d1b_2207),
    (25, 0xf4cc_dd54_80a4_7faf, 0xa3df_97d4_f6fb_169d),
    (31, 0x0131_ee02_f8ae_df0f, 0x4a2d_13e6_44e5_bfe3),
    (32, 0x1414_adcc_382b_7787, 0x2e2c_0f38_bac5_f019),
    (33, 0xd05c_1cb2_331d_9b3f, 0xa10d_7c3b_0daf_9327),
    (47, 0x3893_b3bd_4b88_ba68, 0x666d_0598_c878_282b),
    (48, 0x8ece_25fd_6de1_2414, 0x03b6_fee5_eea0_c47b),
    (49, 0x5dce_183d_3bfc_5c10, 0x2a8f_0847_240e_447a),
    (64, 0x0278_17c0_f464_6a5c, 0x99e2_85df_8392_20cc),
];

fn golden_text() -> [u8; 64] {
    std::array::from_fn(|i| (i as u8).wrapping_mul(7).wrapping_add(33))
}

#[test]
fn h28_integers_match_the_golden_vectors() {
    assert_eq!(
        HASH_VERSION, 1,
        "a new version needs new vectors and keeps the old ones"
    );
    for &(key, seed, hash) in GOLDEN_INTEGERS {
        assert_eq!(key.stable_hash(seed), hash, "{key} under {seed}");
        assert_eq!(hash_u64(key, seed), hash);
    }
}

#[test]
fn h28_bytes_match_the_golden_vectors() {
    let text = golden_text();
    for &(len, plain, seeded) in GOLDEN_BYTES {
        assert_eq!(hash_bytes(&text[..len], 0), plain, "length {len}");
        assert_eq!(
            text[..len].stable_hash(0x0123_4567_89ab_cdef),
            seeded,
            "length {len}"
        );
    }
}

#[test]
fn h28_every_kind_of_key_matches_its_golden_vector() {
    assert_eq!((2_u128 << 64 | 1).stable_hash(5), 0x9e4b_cb65_b831_59e2);
    assert_eq!((-2_i128).stable_hash(5), 0xf3b3_9885_6f48_39d6);
    assert_eq!((-1_i8).stable_hash(5), 0xd31d_adbd_a438_bb33);
    assert_eq!(i8::MIN.stable_hash(0), 0x91de_0036_e7e6_bc39);
    assert_eq!((7_u8,).stable_hash(5), 0x3fda_be86_cbbe_aa11);
    assert_eq!((7_u8, "ab").stable_hash(5), 0x9397_11ce_dd65_b31d);
    assert_eq!((7_u8, "ab", -1_i32).stable_hash(5), 0x4a72_8330_49e9_19f3);
    assert_eq!(
        (7_u8, "ab", -1_i32, true).stable_hash(5),
        0x4fcd_7187_d6b2_2e59
    );
    assert_eq!(None::<&str>.stable_hash(5), 0x53cb_9f0c_747e_a2ea);
    assert_eq!(Some("ab").stable_hash(5), 0xa4de_fb74_c8a9_aad4);
    assert_eq!('é'.stable_hash(5), 0xe13b_0559_0251_5aca);
    assert_eq!(true.stable_hash(5), 0xc34d_0bff_9015_0280);
    assert_eq!("".stable_hash(5), 0xe961_ed6e_f33f_a06d);
}

/// The published start of SplitMix64 from 1234567: an implementation that nobody here wrote.
#[test]
fn integers_follow_split_mix() {
    let published: [u64; 5] = [
        6_457_827_717_110_365_317,
        3_203_168_211_198_807_973,
        9_817_491_932_198_370_423,
        4_593_380_528_125_082_431,
        16_408_922_859_458_223_821,
    ];
    for (seed, hash) in (0..).zip(published) {
        assert_eq!(hash_u64(1_234_567, seed), hash);
    }
}

#[test]
fn integers_hash_by_value_whatever_their_width() {
    let hash = 100_u8.stable_hash(3);
    assert_eq!(100_u16.stable_hash(3), hash);
    assert_eq!(100_u32.stable_hash(3), hash);
    assert_eq!(100_u64.stable_hash(3), hash);
    assert_eq!(100_usize.stable_hash(3), hash);
    assert_eq!(100_i8.stable_hash(3), hash);
    assert_eq!(100_i16.stable_hash(3), hash);
    assert_eq!(100_i32.stable_hash(3), hash);
    assert_eq!(100_i64.stable_hash(3), hash);
    assert_eq!(100_isize.stable_hash(3), hash);
    assert_eq!((-1_isize).stable_hash(3), (-1_i16).stable_hash(3));
}

#[test]
fn owned_and_borrowed_keys_agree() {
    let hash = "key".stable_hash(3);
    assert_eq!(b"key".stable_hash(3), hash);
    assert_eq!(b"key"[..].stable_hash(3), hash);
    assert_eq!((&&"key").stable_hash(3), hash);
    #[cfg(feature = "std")]
    {
        assert_eq!(String::from("key").stable_hash(3), hash);
        assert_eq!(b"key".to_vec().stable_hash(3), hash);
        assert_eq!(Box::<str>::from("key").stable_hash(3), hash);
    }
}

#[test]
fn members_of_a_tuple_keep_their_borders_and_their_order() {
    assert_ne!(("a", "bc").stable_hash(0), ("ab", "c").stable_hash(0));
    assert_ne!(("", "a").stable_hash(0), ("a", "").stable_hash(0));
    assert_ne!((1_u8, 2_u8).stable_hash(0), (2_u8, 1_u8).stable_hash(0));
    assert_ne!(None::<u8>.stable_hash(0), Some(0_u8).stable_hash(0));
}

#[test]
fn zero_bytes_count() {
    let hashes: HashSet<u64> = (0..=64).map(|len| hash_bytes(&[0; 64][..len], 0)).collect();
    assert_eq!(hashes.len(), 65);
}

#[test]
fn sequential_integers_never_collide() {
    let hashes: HashSet<u64> = (0..1_000_000_u64).map(|key| key.stable_hash(0)).collect();
    assert_eq!(hashes.len(), 1_000_000);
}

#[test]
fn pairs_of_small_integers_never_collide() {
    let pairs = (0..1000_u32).flat_map(|a| (0..1000_u32).map(move |b| (a, b)));
    let hashes: HashSet<u64> = pairs.map(|pair| pair.stable_hash(0)).collect();
    assert_eq!(hashes.len(), 1_000_000);
}

#[test]
fn short_words_never_collide() {
    let decimal: HashSet<u64> = (0..1_000_000)
        .map(|i| i.to_string().stable_hash(0))
        .collect();
    assert_eq!(decimal.len(), 1_000_000);
    let named: HashSet<u64> = (0..500_000)
        .map(|i| format!("user:{i:012}").stable_hash(0))
        .collect();
    assert_eq!(named.len(), 500_000);
    let long: HashSet<u64> = (0..500_000)
        .map(|i| format!("/a/tenant/{i}/some/longer/path").stable_hash(0))
        .collect();
    assert_eq!(long.len(), 500_000);
}

/// Chi squared over 1024 cells of `expected` each: mean 1023, deviation 45; 1250 is five deviations away.
fn assert_balanced(name: &str, hashes: impl Iterator<Item = u64>, cell_of: fn(u64) -> u64) {
    let mut cells = [0_u32; 1024];
    let mut total = 0.0;
    for hash in hashes {
        cells[cell_of(hash) as usize] += 1;
        total += 1.0;
    }
    let expected: f64 = total / 1024.0;
    let chi: f64 = cells
        .iter()
        .map(|&n| (f64::from(n) - expected).powi(2) / expected)
        .sum();
    assert!(chi < 1250.0, "{name}: chi squared {chi}");
}

#[test]
fn upper_and_lower_bits_are_balanced() {
    for (end, cell_of) in [
        ("upper", (|h| h >> 54) as fn(u64) -> u64),
        ("lower", |h| h & 1023),
    ] {
        let keys = 0..400_000_u64;
        assert_balanced(
            &format!("{end}, integers"),
            keys.clone().map(|k| k.stable_hash(0)),
            cell_of,
        );
        let strides = keys.clone().map(|k| (k << 20).stable_hash(0));
        assert_balanced(&format!("{end}, strides"), strides, cell_of);
        let words = keys.clone().map(|k| format!("{k:06}").stable_hash(0));
        assert_balanced(&format!("{end}, words"), words, cell_of);
        let long = keys.clone().map(|k| format!("{k:040}").stable_hash(0));
        assert_balanced(&format!("{end}, long words"), long, cell_of);
        let seeds = keys.map(|seed| "key".stable_hash(seed));
        assert_balanced(&format!("{end}, seeds"), seeds, cell_of);
    }
}

/// Flips each input bit of many keys, and counts how often each output bit follows.
fn assert_avalanche(len: usize, hash: impl Fn(u64, &[u8]) -> u64) {
    const KEYS: u64 = 2048;
    let mut worst = 0.0_f64;
    for bit in 0..len * 8 {
        let mut flips = [0_u32; 64];
        for key in 0..KEYS {
            let mut bytes = [0_u8; 48];
            for (i, byte) in bytes.iter_mut().enumerate() {
                *byte = (hash_u64(key, i as u64) >> 40) as u8;
            }
            let before = hash(key, &bytes[..len]);
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = before ^ hash(key, &bytes[..len]);
            for (out, flips) in flips.iter_mut().enumerate() {
                *flips += (changed >> out & 1) as u32;
            }
        }
        for flips in flips {
            worst = worst.max((f64::from(flips) / KEYS as f64 - 0.5).abs());
        }
    }
    // The deviation of one such count is 0.011; there are at most 320 * 64 of them.
    assert!(
        worst < 0.06,
        "length {len}: a bit follows with probability 0.5 +- {worst}"
    );
}

#[test]
fn every_input_bit_moves_half_of_the_output_bits() {
    // One byte has too few values for a count, so the seeds vary as well.
    assert_avalanche(1, |key, bytes| hash_bytes(bytes, key));
    for len in [2, 3, 4, 6, 7, 8, 12, 16, 17, 24, 33, 40] {
        assert_avalanche(len, |_, bytes| hash_bytes(bytes, 0));
    }
    assert_avalanche(8, |_, bytes| {
        hash_u64(u64::from_le_bytes(bytes.try_into().unwrap()), 0)
    });
    assert_avalanche(8, |_, seed| {
        hash_bytes(b"key", u64::from_le_bytes(seed.try_into().unwrap()))
    });
}

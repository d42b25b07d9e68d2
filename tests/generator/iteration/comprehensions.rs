//! Comprehensions.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{ready, ready as f};

use futures::{StreamExt, TryStreamExt, stream};
use withal::coroutine::{Error, Yielder, coroutine, try_coroutine};
use withal::generator::{generator, try_generator};

use super::{asynciter, run_async};

fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    items.into_iter().collect()
}

/// Evaluates a comprehension inside a coroutine.
fn run<F: AsyncFnOnce() -> T, T>(comprehension: F) -> T {
    let body = coroutine(async |_: Yielder<'_>| Ok(comprehension().await));
    let (yielded, value) = run_async(body);
    assert!(yielded.is_empty());
    value
}

#[test]
fn comp_1_over_awaited_values() {
    let awaited = || stream::iter([f(1), f(41)]).then(|c| c);
    assert_eq!(run(async || awaited().collect::<Vec<_>>().await), [1, 41]);
    assert_eq!(run(async || awaited().collect::<BTreeSet<_>>().await), set([1, 41]));
    let dict1 = async || awaited().map(|i| (i, 'a')).collect::<BTreeMap<_, _>>().await;
    assert_eq!(run(dict1), BTreeMap::from([(1, 'a'), (41, 'a')]));
    let dict2 = async || awaited().enumerate().collect::<BTreeMap<_, _>>().await;
    assert_eq!(run(dict2), BTreeMap::from([(0, 1), (1, 41)]));
}

#[test]
fn comp_2_over_awaited_iterables() {
    let list = async || {
        let lists = [f(vec![]), f(vec!["a", "b", "c"]), f(vec![]), f(vec!["de", "fg"])];
        stream::iter(lists).then(|c| c).flat_map(stream::iter).collect::<Vec<_>>().await
    };
    assert_eq!(run(list), ["a", "b", "c", "de", "fg"]);
    let deep = async || {
        let nested = stream::iter([f(vec![f(vec![10, 30]), f(vec![20])])]);
        let inner = nested.then(|c| c).flat_map(stream::iter).then(|s| s);
        inner.flat_map(stream::iter).collect::<BTreeSet<_>>().await
    };
    assert_eq!(run(deep), set([10, 20, 30]));
    let shallow = async || {
        let nested = stream::iter([f(vec![f(10), f(20)])]);
        nested.then(|c| c).flat_map(stream::iter).then(|s| s).collect::<BTreeSet<_>>().await
    };
    assert_eq!(run(shallow), set([10, 20]));
}

#[test]
fn comp_3_over_a_generator() {
    let items = || asynciter([10, 20]);
    assert_eq!(run(async || items().map(|i| i + 1).collect::<Vec<_>>().await), [11, 21]);
    assert_eq!(run(async || items().map(|i| i + 1).collect::<BTreeSet<_>>().await), set([11, 21]));
    let dict = async || items().map(|i| (i + 1, i + 2)).collect::<BTreeMap<_, _>>().await;
    assert_eq!(run(dict), BTreeMap::from([(11, 12), (21, 22)]));
    let of_gen = async || items().map(|i| i + 1).map(|g| g + 100).collect::<Vec<_>>().await;
    assert_eq!(run(of_gen), [111, 121]);
}

#[test]
fn comp_4_with_a_condition() {
    let items = || asynciter([10, 20]).filter(|i| ready(*i > 10));
    assert_eq!(run(async || items().map(|i| i + 1).collect::<Vec<_>>().await), [21]);
    assert_eq!(run(async || items().map(|i| i + 1).collect::<BTreeSet<_>>().await), set([21]));
    let dict = async || items().map(|i| (i + 1, i + 2)).collect::<BTreeMap<_, _>>().await;
    assert_eq!(run(dict), BTreeMap::from([(21, 22)]));
    let of_gen = async || items().map(|i| i + 1).map(|g| g + 100).collect::<Vec<_>>().await;
    assert_eq!(run(of_gen), [121]);
}

#[test]
fn comp_4_2_with_a_condition_of_two_sides() {
    let items = || asynciter(0..5).filter(|i| ready(0 < *i && *i < 4));
    assert_eq!(run(async || items().map(|i| i + 10).collect::<Vec<_>>().await), [11, 12, 13]);
    assert_eq!(run(async || items().map(|i| i + 10).collect::<BTreeSet<_>>().await), set([11, 12, 13]));
    let dict = async || items().map(|i| (i + 10, i + 100)).collect::<BTreeMap<_, _>>().await;
    assert_eq!(run(dict), BTreeMap::from([(11, 101), (12, 102), (13, 103)]));
    let of_gen = async || items().map(|i| i + 10).map(|g| g + 100).collect::<Vec<_>>().await;
    assert_eq!(run(of_gen), [111, 112, 113]);
}

#[test]
fn comp_5_a_generator_for_each_item_of_a_list() {
    let list = async || {
        let pairs = stream::iter([[10, 20], [30, 40]].into_iter().filter(|pair| pair[0] > 10));
        let items = pairs.flat_map(|pair| Box::pin(asynciter(pair)));
        items.filter(|i| ready(*i > 30)).map(|i| i + 1).collect::<Vec<_>>().await
    };
    assert_eq!(run(list), [41]);
}

#[test]
fn comp_6_lists_from_a_generator() {
    let list = async || {
        let seqs = asynciter([vec![10, 20], vec![30]]);
        seqs.flat_map(stream::iter).map(|i| i + 1).collect::<Vec<_>>().await
    };
    assert_eq!(run(list), [11, 21, 31]);
}

#[test]
fn comp_7_an_error_of_the_generator() {
    let mut list = try_coroutine(async |_: Yielder<'_, (), (), _>| {
        let f = try_generator(async |mut y| {
            y.yield_(1).await?;
            y.yield_(2).await?;
            Err("aaa".into())
        });
        Ok(f.try_collect::<Vec<_>>().await?)
    });
    assert_eq!(list.send(()), Err(Error::Raised("aaa")));
}

#[test]
fn comp_8_without_any_await() {
    assert_eq!(run(async || [1, 2, 3].into_iter().collect::<Vec<_>>()), [1, 2, 3]);
}

#[test]
fn comp_9_over_one_that_awaits() {
    let list = async || {
        let items = generator(async |mut y| {
            y.yield_(1).await?;
            y.yield_(2).await
        });
        items.collect::<Vec<_>>().await.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(run(list), [1, 2]);
}

#[test]
fn comp_10_over_another_without_any_await() {
    let dict = async || set([1, 2, 3]).into_iter().map(|x| (x, x)).collect::<BTreeMap<_, _>>();
    assert_eq!(run(dict), BTreeMap::from([(1, 1), (2, 2), (3, 3)]));
}

#[test]
fn nested_comp_each_in_each() {
    let sums = |j: u32| asynciter([1, 2]).map(move |i| i + j);
    let list_in_list =
        async || stream::iter([10, 20]).then(|j| sums(j).collect()).collect::<Vec<Vec<_>>>().await;
    assert_eq!(run(list_in_list), [[11, 12], [21, 22]]);

    let set_in_list =
        async || stream::iter([10, 20]).then(|j| sums(j).collect()).collect::<Vec<BTreeSet<_>>>().await;
    assert_eq!(run(set_in_list), [set([11, 12]), set([21, 22])]);

    let list_in_set = async || {
        let lists = stream::iter([3, 5]).then(|j| asynciter(0..j).collect::<Vec<u32>>());
        lists.map(|list| list.into_iter().sum::<u32>()).collect::<BTreeSet<_>>().await
    };
    assert_eq!(run(list_in_set), set([3, 10]));

    let dict_in_dict = async || {
        let dict = |j| asynciter([1, 2]).map(move |i| (i, i + j)).collect::<BTreeMap<_, _>>();
        stream::iter([10, 20]).then(async |j| (j, dict(j).await)).collect::<BTreeMap<_, _>>().await
    };
    let expected = [(10, BTreeMap::from([(1, 11), (2, 12)])), (20, BTreeMap::from([(1, 21), (2, 22)]))];
    assert_eq!(run(dict_in_dict), BTreeMap::from(expected));

    let list_in_gen = async || {
        let lists = generator(async |mut y| {
            for j in [10, 20] {
                y.yield_(sums(j).collect::<Vec<_>>().await).await?;
            }
            Ok(())
        });
        lists.collect::<Vec<_>>().await
    };
    assert_eq!(run(list_in_gen), [[11, 12], [21, 22]]);

    let gen_in_list = async || {
        let gens: Vec<_> = [3, 5].map(|j| Box::pin(asynciter(0..j))).into();
        stream::iter(gens).flatten().collect::<Vec<u32>>().await
    };
    assert_eq!(run(gen_in_list), [0, 1, 2, 0, 1, 2, 3, 4]);

    let gen_in_gen = async || {
        let gens = asynciter([3, 5].map(|j| Box::pin(asynciter(0..j))));
        gens.flatten().collect::<Vec<u32>>().await
    };
    assert_eq!(run(gen_in_gen), [0, 1, 2, 0, 1, 2, 3, 4]);

    let list_in_list_in_list = async || {
        let lists = |k: u32| stream::iter([10, 20]).then(move |j| sums(j + k).collect::<Vec<_>>()).collect();
        stream::iter([100, 200]).then(lists).collect::<Vec<Vec<_>>>().await
    };
    assert_eq!(run(list_in_list_in_list), [[[111, 112], [121, 122]], [[211, 212], [221, 222]]]);
}

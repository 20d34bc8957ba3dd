//! Which ingester gets which group of traces.
//!
//! [`tributary_wire::ring::group`] puts a trace into one of a few groups. Here each group is given
//! a member, so that
//!
//! 1. all sidecars that know the same members agree for up to [`MOST_GROUPS`] of them: the spans
//!    of a trace meet in one ingester, from however many pods they come;
//! 2. every ingester gets its share: with up to [`MOST_GROUPS`] members each has exactly one
//!    group. Plain rendezvous of a few groups over a few members would leave some without any;
//! 3. beyond that, members are dealt out to the groups as evenly as it goes, and each sidecar
//!    picks one in each group by its own number: a trace then is in at most members/8 of them.

use tributary_wire::ring;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Most groups, that is most streams of a sidecar and tenant.
pub(crate) const MOST_GROUPS: usize = 8;

/// The ingesters and what each group's is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    /// `host:port`, sorted.
    members: Vec<String>,
    /// Which of them cannot be reached at the moment, by index.
    away: Vec<bool>,
    /// Index of the member that each group belongs to.
    owners: Vec<usize>,
}

impl Plan {
    /// Deals the groups out. `away` tells members that cannot be reached at the moment: they keep
    /// their groups, which go elsewhere only for the time being ([`Plan::target`]).
    pub(crate) fn new(mut members: Vec<String>, away: impl Fn(&str) -> bool, sidecar: u64) -> Plan {
        members.sort_unstable();
        members.dedup();
        let away = members.iter().map(|m| away(m)).collect();
        let owners = owners(&members, sidecar);
        Plan { members, away, owners }
    }

    /// How many groups traces are put into; at least one.
    pub(crate) fn groups(&self) -> usize {
        self.owners.len().max(1)
    }

    /// How many ingesters there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Where group `group` goes now: to its owner; while that one is away to the next in the order
    /// of rendezvous; when all are away to each in turn, by `tries`. A group beyond those of the
    /// plan, which still has frames of an earlier one, goes where some group goes.
    pub(crate) fn target(&self, group: usize, tries: usize) -> Option<&str> {
        let owner = *self.owners.get(group % self.owners.len().max(1))?;
        if self.away.get(owner) == Some(&false) {
            return self.members.get(owner).map(String::as_str);
        }
        let here: Vec<&str> = self
            .members
            .iter()
            .zip(&self.away)
            .filter(|(_, a)| !**a)
            .map(|(m, _)| m.as_str())
            .collect();
        match ring::owner(u32::try_from(group).unwrap_or(u32::MAX), &here) {
            Some(next) => here.get(next).copied(),
            None => self.members.get((owner + tries) % self.members.len()).map(String::as_str),
        }
    }

    /// Whether a member cannot be reached at the moment.
    pub(crate) fn is_away(&self, member: &str) -> bool {
        let at = self.members.iter().position(|m| m == member);
        at.and_then(|at| self.away.get(at)).is_some_and(|away| *away)
    }
}

/// In rounds, each giving every group at most one member: the pair of the highest weight first.
fn owners(members: &[String], sidecar: u64) -> Vec<usize> {
    let groups = members.len().min(MOST_GROUPS);
    let mut pairs: Vec<(u64, usize, usize)> = Vec::with_capacity(groups * members.len());
    for (member, name) in members.iter().enumerate() {
        for group in 0..groups {
            pairs.push((xxh3_64_with_seed(name.as_bytes(), group as u64), group, member));
        }
    }
    pairs.sort_unstable_by(|a, b| b.cmp(a));
    let mut free = vec![true; members.len()];
    let mut dealt: Vec<Vec<usize>> = vec![Vec::new(); groups];
    for round in 1..=members.len().div_ceil(groups.max(1)) {
        for &(_, group, member) in &pairs {
            if let (Some(free), Some(own)) = (free.get_mut(member), dealt.get_mut(group))
                && *free
                && own.len() < round
            {
                *free = false;
                own.push(member);
            }
        }
    }
    let weight = |member: &usize| {
        members.get(*member).map_or(0, |name| xxh3_64_with_seed(name.as_bytes(), sidecar))
    };
    dealt.iter().filter_map(|own| own.iter().copied().max_by_key(weight)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("10.0.{}.{}:4319", i / 200, i % 200)).collect()
    }

    fn plan(n: usize, sidecar: u64) -> Plan {
        Plan::new(names(n), |_| false, sidecar)
    }

    fn targets(plan: &Plan) -> Vec<&str> {
        (0..plan.groups()).map(|g| plan.target(g, 0).unwrap()).collect()
    }

    #[test]
    fn up_to_eight_members_have_one_group_each_and_all_sidecars_agree() {
        for n in 1..=MOST_GROUPS {
            let plan = plan(n, 1);
            let mut members = targets(&plan);
            let other = Plan::new(names(n).into_iter().rev().collect(), |_| false, 2);
            assert_eq!(members, targets(&other), "{n}");
            members.sort_unstable();
            members.dedup();
            assert_eq!((plan.groups(), members.len()), (n, n));
        }
    }

    #[test]
    fn more_members_are_all_used_by_some_sidecar() {
        for n in [9, 16, 20, 100] {
            let mut share: BTreeMap<String, u32> = BTreeMap::new();
            let mut by_group: Vec<Vec<String>> = vec![Vec::new(); MOST_GROUPS];
            for sidecar in 0..1000 {
                let plan = plan(n, sidecar);
                assert_eq!(plan.groups(), MOST_GROUPS);
                for (group, member) in targets(&plan).into_iter().enumerate() {
                    *share.entry(member.to_owned()).or_default() += 1;
                    if !by_group[group].iter().any(|m| m == member) {
                        by_group[group].push(member.to_owned());
                    }
                }
            }
            assert_eq!(share.len(), n, "all of {n} members have work");
            let most = n.div_ceil(MOST_GROUPS);
            assert!(by_group.iter().all(|members| members.len() <= most), "{n}: {by_group:?}");
        }
    }

    #[test]
    fn without_members_there_is_one_group_and_no_target() {
        let plan = plan(0, 1);
        assert_eq!((plan.groups(), plan.len(), plan.target(0, 0)), (1, 0, None));
    }

    #[test]
    fn only_the_groups_of_a_member_that_is_away_move() {
        let all = plan(5, 1);
        for lost in names(5) {
            let without = Plan::new(names(5), |m| m == lost, 1);
            assert_eq!(without.groups(), 5, "a member that is away keeps its group");
            for group in 0..5 {
                let (was, is) = (all.target(group, 0).unwrap(), without.target(group, 0).unwrap());
                assert!(is != lost && (was == is || was == lost), "{was} moved to {is}");
            }
        }
    }

    #[test]
    fn when_all_are_away_each_is_tried_in_turn() {
        let plan = Plan::new(names(3), |_| true, 1);
        let mut tried: Vec<_> = (0..3).map(|tries| plan.target(0, tries).unwrap()).collect();
        tried.sort_unstable();
        assert_eq!(tried, names(3));
    }

    #[test]
    fn groups_of_an_earlier_plan_still_go_somewhere() {
        let plan = plan(2, 1);
        assert!(names(2).iter().any(|m| m == plan.target(7, 0).unwrap()));
    }
}

//! Divisors and prime factors of a bound.

/// All divisors in ascending order.
pub(crate) fn divisors_of(n: u32) -> Vec<u32> {
    let mut low = Vec::new();
    let mut high = Vec::new();
    let mut d = 1u64;
    while d * d <= u64::from(n) {
        if u64::from(n) % d == 0 {
            low.push(d as u32);
            let other = n / d as u32;
            if u64::from(other) != d {
                high.push(other);
            }
        }
        d += 1;
    }
    high.reverse();
    low.extend(high);
    low
}

/// Prime factors, ascending.
pub(crate) fn primes(mut n: u64) -> Vec<u32> {
    let mut list = Vec::new();
    let mut p = 2;
    while p * p <= n {
        while n.is_multiple_of(p) {
            list.push(p as u32);
            n /= p;
        }
        p += 1;
    }
    if n > 1 {
        list.push(n as u32);
    }
    list
}

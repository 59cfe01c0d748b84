//! The Recommendation's blocks one by one, slowly, in saturating words of 16 bits: what the crate is held against where
//! audio-codec departs from them.

#[derive(Clone)]
pub struct Adpcm {
    det: i16,
    nb: i16,
    s: i16,
    sz: i16,
    a: [i16; 3],
    b: [i16; 7],
    d: [i16; 7],
    p: [i16; 3],
    r: [i16; 3],
}

const Q6: [i16; 30] = [
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339,
    1458, 1612, 1765, 1980, 2195, 2557, 2919,
];
const OQ6: [i16; 31] = [
    0, 17, 54, 91, 130, 170, 211, 254, 300, 347, 396, 447, 501, 558, 618, 682, 750, 822, 899, 982, 1072, 1170, 1279,
    1399, 1535, 1689, 1873, 2088, 2376, 2738, 3101,
];
const OQ4: [i16; 8] = [0, 150, 323, 530, 786, 1121, 1612, 2557];
const WL: [i16; 8] = [-60, -30, 58, 172, 334, 538, 1198, 3042];
const ILB: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025,
    3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];
const H: [i32; 12] = [3, -11, -11, 53, 12, -156, 32, 362, -210, -805, 951, 3876];

/// The product of two words of 15 fractional bits.
fn mult(a: i16, b: i16) -> i16 {
    i16::try_from((i32::from(a) * i32::from(b)) >> 15).unwrap()
}

fn limit(word: i32) -> i16 {
    word.clamp(-16384, 16383) as i16
}

/// How far from 0, in words of which minus 1 is as far as 0.
fn magnitude(word: i16) -> i16 {
    if word < 0 { !word } else { word }
}

impl Adpcm {
    pub fn reset(det: i16) -> Self {
        Self { det, nb: 0, s: 0, sz: 0, a: [0; 3], b: [0; 7], d: [0; 7], p: [0; 3], r: [0; 3] }
    }

    fn scale(&mut self, worth: i16, top: i16, octaves: i32) {
        self.nb = (mult(self.nb, 32512) + worth).clamp(0, top);
        let shift = octaves - i32::from(self.nb >> 11);
        let octave = ILB[usize::from((self.nb >> 6) as u16 & 31)];
        self.det = ((if shift < 0 { octave << -shift } else { octave >> shift }) << 2) as i16;
    }

    fn block4(&mut self, d: i16) {
        self.d[0] = d;
        self.p[0] = d.saturating_add(self.sz);
        self.r[0] = self.s.saturating_add(d);
        // UPZERO
        for i in (1..7).rev() {
            let by = if d == 0 { 0 } else { 128 };
            let by = if (d < 0) == (self.d[i] < 0) { by } else { -by };
            self.b[i] = mult(self.b[i], 32640).saturating_add(by);
            self.d[i] = self.d[i - 1];
        }
        // UPPOL2
        let sign = self.p.map(|p| p < 0);
        let four = self.a[1].saturating_mul(4);
        let pull = if sign[0] == sign[1] { 0_i16.saturating_sub(four) } else { four };
        let by = if sign[0] == sign[2] { 128 } else { -128 };
        self.a[2] = ((pull >> 7) + by).saturating_add(mult(self.a[2], 32512)).clamp(-12288, 12288);
        // UPPOL1
        let by = if sign[0] == sign[1] { 192 } else { -192 };
        let bound = 15360 - self.a[2];
        self.a[1] = mult(self.a[1], 32640).saturating_add(by).clamp(-bound, bound);
        self.p = [0, self.p[0], self.p[1]];
        // FILTEZ, FILTEP, PREDIC
        self.sz = (1..7)
            .rev()
            .fold(0, |sum: i16, i| sum.saturating_add(mult(self.d[i].saturating_add(self.d[i]), self.b[i])));
        self.r = [0, self.r[0], self.r[1]];
        let [one, two] = [1, 2].map(|i| mult(self.a[i], self.r[i].saturating_add(self.r[i])));
        self.s = one.saturating_add(two).saturating_add(self.sz);
    }

    fn quantl(&self, xl: i16) -> u8 {
        let el = xl.saturating_sub(self.s);
        let mil = Q6.iter().filter(|level| mult(**level * 8, self.det) <= magnitude(el)).count() as u8;
        match (el < 0, mil) {
            (true, 1) => 63,
            (true, 2) => 62,
            (true, mil) => 34 - mil,
            (false, mil) => 62 - mil,
        }
    }

    fn low(&mut self, il: u8) {
        let ril = usize::from(il >> 2);
        let index = [0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0][ril];
        let level = if (1..8).contains(&ril) { -OQ4[index] } else { OQ4[index] };
        let d = mult(self.det, level * 8);
        self.scale(WL[index], 18432, 8);
        self.block4(d);
    }

    pub fn lsbcod(&mut self, xl: i16) -> u8 {
        let il = self.quantl(xl);
        self.low(il);
        il
    }

    pub fn lsbdec(&mut self, il: u8) -> i16 {
        let level = match usize::from(il) {
            0..4 => -OQ6[1],
            il @ 4..32 => -OQ6[34 - il],
            il @ 32..62 => OQ6[62 - il],
            il => -OQ6[64 - il],
        };
        let yl = limit(i32::from(self.s.saturating_add(mult(self.det, level * 8))));
        self.low(il);
        yl
    }

    fn high(&mut self, ih: u8) -> i16 {
        let d = mult([-926, -202, 926, 202][usize::from(ih)] * 8, self.det);
        let r = self.s.saturating_add(d);
        self.scale([798, -214, 798, -214][usize::from(ih)], 22528, 10);
        self.block4(d);
        r
    }

    pub fn hsbcod(&mut self, xh: i16) -> u8 {
        let eh = xh.saturating_sub(self.s);
        let large = magnitude(eh) >= mult(564 * 8, self.det);
        let ih = match (eh < 0, large) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        self.high(ih);
        ih
    }

    pub fn hsbdec(&mut self, ih: u8) -> i16 {
        limit(i32::from(self.high(ih)))
    }
}

/// A tap of the filter bank.
fn tap(index: usize) -> i32 {
    H[index.min(23 - index)]
}

/// What the filter bank makes of every two samples, not yet limited: the lower and the higher band.
fn split(sound: &[i16]) -> impl Iterator<Item = [i32; 2]> {
    let mut line = [0_i16; 24];
    sound.chunks_exact(2).map(move |two| {
        line.copy_within(..22, 2);
        (line[0], line[1]) = (two[1], two[0]);
        let [a, b] = [0, 1]
            .map(|phase| -> i32 { (phase..24).step_by(2).map(|index| tap(index) * i32::from(line[index])).sum() });
        [(a + b) >> 14, (a - b) >> 14]
    })
}

/// Whether block LIMIT has anything to do before the coders.
pub fn is_limited(sound: &[i16]) -> bool {
    split(sound).flatten().any(|word| word != i32::from(limit(word)))
}

pub fn encode(sound: &[i16]) -> Vec<u8> {
    let (mut low, mut high) = (Adpcm::reset(32), Adpcm::reset(8));
    split(sound).map(|[xl, xh]| high.hsbcod(limit(xh)) << 6 | low.lsbcod(limit(xl))).collect()
}

pub fn decode(codes: &[u8]) -> Vec<i16> {
    let (mut low, mut high, mut line) = (Adpcm::reset(32), Adpcm::reset(8), [0_i16; 24]);
    let sound = codes.iter().flat_map(|code| {
        let (rl, rh) = (low.lsbdec(code & 63), high.hsbdec(code >> 6));
        line.copy_within(..22, 2);
        (line[0], line[1]) = (rl.saturating_sub(rh), rl.saturating_add(rh));
        [0, 1].map(|phase| {
            let sum: i32 = (phase..24).step_by(2).map(|index| tap(index) * i32::from(line[index])).sum();
            (sum >> 11).clamp(-32768, 32767) as i16
        })
    });
    sound.collect()
}

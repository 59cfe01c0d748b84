// What libgsm (Debian: libgsm1-dev) makes of the sound in media/gsm/src/vectors.rs; the tests there need only what came
// of it. Made again, from the root of the repository and on a little-endian machine, by
//
//   export GSM_VECTORS=/tmp/gsm-vectors && mkdir -p $GSM_VECTORS
//   cc tests/vectors/gsm/oracle.c -lgsm -o $GSM_VECTORS/oracle
//   cargo test -p gsm -- --ignored write_what_libgsm_is_given
//   cd $GSM_VECTORS
//   for pcm in *.pcm; do ./oracle encode < $pcm > ${pcm%.pcm}.gsm; done
//   for gsm in *.gsm; do ./oracle decode < $gsm > ${gsm%.gsm}.out; done
//   sha256sum *.gsm *.out
//   head -c 825 Speech.gsm > speech-frames.dat
//   head -c 8000 Speech.out > speech-samples.dat
//
// Debian's libgsm 1.0.22 looks for the lag (GSM 06.10 4.2.11) with sums of 32-bit floats, so that among lags that are
// almost equal, in loud sound with an exact period, it may take another than the specification's integers do. In the
// sound here it does not.
#include <gsm.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **words)
{
    int encode = count > 1 && strcmp(words[1], "encode") == 0;
    gsm codec = gsm_create();
    gsm_signal samples[160];
    gsm_frame frame;

    for (;;) {
        if (encode) {
            if (fread(samples, sizeof samples, 1, stdin) != 1)
                return 0;
            gsm_encode(codec, samples, frame);
            fwrite(frame, sizeof frame, 1, stdout);
        } else {
            if (fread(frame, sizeof frame, 1, stdin) != 1)
                return 0;
            if (gsm_decode(codec, frame, samples) != 0)
                return 1;
            fwrite(samples, sizeof samples, 1, stdout);
        }
    }
}

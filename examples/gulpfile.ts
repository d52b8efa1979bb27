// Denoises a folder of pictures with gulp. From the root of a project that has gulp, tsx and flow-denoise:
//   node --import tsx node_modules/gulp/bin/gulp.js -f examples/gulpfile.ts --cwd .
// Set NOISY and DENOISED to other folders, SIGMA to another noise level in 8-bit units.
import denoise, { type DenoisedFile } from 'flow-denoise';
import gulp from 'gulp';

const { NOISY = 'out/demo/noisy', DENOISED = 'out/demo/denoised', SIGMA = '25' } = process.env;

export default function denoisePictures(): NodeJS.ReadWriteStream {
  return gulp
    .src('*.png', { cwd: NOISY, encoding: false })
    .pipe(denoise({ sigma: Number(SIGMA) }))
    .on('data', (file: DenoisedFile) => {
      console.log(`${file.relative}: ${file.flowDenoise?.seconds?.toFixed(1)} s`);
    })
    .pipe(gulp.dest(DENOISED));
}

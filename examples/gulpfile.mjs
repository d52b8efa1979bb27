// Denoises a folder of pictures with gulp, as an ES module. From the root of a project that has gulp and flow-denoise:
//   npx gulp -f examples/gulpfile.mjs --cwd .
// NOISY and DENOISED name other folders, SIGMA the strength of the noise in 8-bit units; ON_ERROR says what becomes of
// bad files.
import denoise from 'flow-denoise';
import gulp from 'gulp';

const { NOISY = 'photos', DENOISED = 'clean', SIGMA = 'auto', ON_ERROR = 'fail' } = process.env;

export default function denoisePictures() {
  return gulp
    .src('**/*.{png,jpg,jpeg,webp,tif,tiff}', { cwd: NOISY, encoding: false })
    .pipe(denoise({ sigma: SIGMA === 'auto' ? SIGMA : Number(SIGMA), onError: ON_ERROR }))
    .pipe(gulp.dest(DENOISED));
}

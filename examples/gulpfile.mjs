// Denoises a folder of pictures with gulp, as an ES module. From the root of a project that has gulp and flow-denoise:
//   npx gulp -f examples/gulpfile.mjs --cwd .
// Set NOISY and DENOISED to other folders, SIGMA to the noise level in 8-bit units, ON_ERROR to what happens with a bad
// file.
import denoise from 'flow-denoise';
import gulp from 'gulp';

const { NOISY = 'photos', DENOISED = 'clean', SIGMA = 'auto', ON_ERROR = 'fail' } = process.env;

export default function denoisePictures() {
  return gulp
    .src('**/*.{png,jpg,jpeg,webp,tif,tiff}', { cwd: NOISY, encoding: false })
    .pipe(denoise({ sigma: SIGMA === 'auto' ? SIGMA : Number(SIGMA), onError: ON_ERROR }))
    .pipe(gulp.dest(DENOISED));
}

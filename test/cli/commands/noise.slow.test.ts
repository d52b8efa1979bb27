// `flow-denoise noise` and `--noise profile.json` as users run them. The noise is a simulated camera's, so the clean
// picture is known.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseNoiseProfile } from '#src/core/noise/model/profile-schema.js';
import { cameraAt, takePicture } from '#src/core/noise/simulate/camera.js';
import { photo, planar } from '../../core/photo.js';
import { noisyPicture, withFolder } from '../../plugin/pictures.js';
import { command, filesBelow } from '../command.js';

const FAST = ['--method', 'posterior-mean', '--engine', 'onnx'];
const SIDE = 192;
const size = { width: SIDE, height: SIDE };

/** Planar [3, H, W] in [0, 1] as a PNG. */
async function png(planes: Float32Array): Promise<Buffer> {
  const bytes = new Uint8ClampedArray(planes.length);
  const pixels = SIDE * SIDE;
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = 255 * (planes[(i % 3) * pixels + Math.floor(i / 3)] as number);
  return sharp(bytes, { raw: { ...size, channels: 3 } })
    .png()
    .toBuffer();
}

/** Two shots of a camera at ISO 12800 in `shots`, and what they would be without noise in `clean`. */
async function takeShots(folder: string): Promise<void> {
  await mkdir(join(folder, 'shots'));
  await mkdir(join(folder, 'clean'));
  const scenes = [
    ['coffee.png', 120, 100],
    ['astronaut.png', 180, 40],
  ] as const;
  for (const [seed, [name, left, top]] of scenes.entries()) {
    const { data } = await photo(name, { left, top, ...size });
    const { clean, noisy } = takePicture(planar(data), size, cameraAt(12_800), seed);
    await writeFile(join(folder, 'shots', name), await png(noisy));
    await writeFile(join(folder, 'clean', name), await png(clean));
  }
}

const samplesOf = (path: string) => sharp(path).removeAlpha().raw().toBuffer();

/** Mean PSNR, dB, of the pictures in two folders. */
async function psnr(folder: string, truth: string, only?: readonly string[]): Promise<number> {
  const names = only ?? (await filesBelow(truth));
  const each = await Promise.all(
    names.map(async (name) => {
      const [a, b] = await Promise.all([samplesOf(join(folder, name)), samplesOf(join(truth, name))]);
      const square = a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0) / a.length;
      return 10 * Math.log10(255 ** 2 / square);
    }),
  );
  return each.reduce((sum, value) => sum + value, 0) / each.length;
}

test('a profile of a camera: told, written, drawn, and as good for its pictures as finding the noise in each', () =>
  withFolder(async (cwd) => {
    await takeShots(cwd);
    const made = await command(['noise', 'shots', '-o', 'iso.json', '--svg'], { cwd });
    assert.is(made.code, 0, made.stderr);
    assert.match(made.stdout, /^shots\/astronaut\.png {2}192 x 192, colour$/m);
    assert.match(made.stdout, /^ {2}brightness( +\d+)+$/m);
    assert.match(made.stdout, /^ {2}green - magenta( +\d+\.\d){4}$/m);
    assert.match(made.stdout, /would be denoised/);
    assert.match(made.stdout, /^the mean of 2 pictures$/m);
    assert.match(made.stderr, /^iso\.json and iso\.svg written, from 2 pictures$/m);

    const text = await readFile(join(cwd, 'iso.json'), 'utf8');
    assert.match(text, '"format": "flow-denoise-noise"');
    assert.is(parseNoiseProfile(JSON.parse(text), 'iso.json').channels.length, 3);
    // librsvg refuses what is no XML, and draws what is there.
    const drawn = await sharp(join(cwd, 'iso.svg'))
      .flatten({ background: '#fff' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    assert.equal([drawn.info.width, drawn.info.height], [640, 800]);
    assert.ok(drawn.data.some((value) => value < 128));
    assert.match(await readFile(join(cwd, 'iso.svg'), 'utf8'), /Level by brightness.*Spectrum/s);

    const told = await command(['shots', '-o', 'told', '--noise', 'iso.json', ...FAST, '--json'], { cwd });
    assert.is(told.code, 0, told.stderr);
    const reports = told.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).report);
    assert.equal(
      reports.map(({ noise }) => [noise.model, noise.isEstimated, noise.why]),
      reports.map(() => ['profile', false, 'a noise profile was given']),
    );
    const found = await command(['shots', '-o', 'found', ...FAST], { cwd });
    assert.is(found.code, 0, found.stderr);
    const [noisy, withProfile, alone] = await Promise.all(
      ['shots', 'told', 'found'].map((folder) => psnr(join(cwd, folder), join(cwd, 'clean'))),
    );
    const said = `noisy ${noisy}, with the mean profile ${withProfile}, nothing said ${alone} dB`;
    // One profile for two scenes, whose own estimates differ.
    assert.ok((withProfile as number) >= (alone as number) - 0.3, said);
    assert.ok((withProfile as number) > (noisy as number) + 0.5, said);

    // The profile of one picture is what is found in it.
    const own = await command(['noise', 'shots/coffee.png', '-o', 'own.json'], { cwd });
    assert.is(own.code, 0, own.stderr);
    const again = await command(['shots/coffee.png', '-o', 'own', '--noise', 'own.json', ...FAST], { cwd });
    assert.is(again.code, 0, again.stderr);
    const coffee = await Promise.all(
      ['own', 'found'].map((folder) => psnr(join(cwd, folder), join(cwd, 'clean'), ['coffee.png'])),
    );
    assert.ok(
      (coffee[0] as number) >= (coffee[1] as number) - 0.1,
      `own profile, nothing said: ${coffee.join(', ')} dB`,
    );

    const pair = ['noise', 'shots/coffee.png', '--pair', 'clean/coffee.png', '-o', 'pair.json', '--json'];
    const measured = await command(pair, { cwd });
    assert.is(measured.code, 0, measured.stderr);
    const { noise, levels255 } = JSON.parse(measured.stdout);
    assert.is(noise.why, 'measured against the clean picture');
    assert.is(levels255.channels[0].level.length, levels255.brightness.length);
  }));

test('a profile serves previews, watched folders and files of options, whose own folder it is taken from', () =>
  withFolder(async (root) => {
    const cwd = join(root, 'in');
    await mkdir(cwd);
    await writeFile(join(cwd, 'a.png'), await noisyPicture('png'));
    const flat = { level: [0.08], spectrum: [1, 1, 1, 1] };
    const profile = {
      format: 'flow-denoise-noise',
      version: 1,
      brightness: [0.5],
      channels: [flat, flat, flat],
    };
    await writeFile(join(root, 'iso.json'), JSON.stringify(profile));
    const preview = await command(
      ['a.png', '-o', 'look', '--preview=64', '--noise', '../iso.json', ...FAST],
      { cwd },
    );
    assert.is(preview.code, 0, preview.stderr);
    assert.match(preview.stderr, /given: sigma 20\.4/);
    const watch = [
      'watch',
      '.',
      '-o',
      '../out',
      '--once',
      '--json',
      '--settle',
      '50',
      '--noise',
      '../iso.json',
      ...FAST,
    ];
    const watched = await command(watch, { cwd });
    assert.is(watched.code, 0, watched.stderr);
    assert.match(watched.stdout, '"why":"a noise profile was given"');
    await writeFile(join(root, 'flow-denoise.config.json'), '{ "noise": "iso.json", "output": "clean" }');
    const configured = await command(['a.png', '--json', ...FAST], { cwd });
    assert.is(configured.code, 0, configured.stderr);
    assert.match(
      configured.stderr,
      /^options from \.\.\/flow-denoise\.config\.json: noise iso\.json, output clean$/m,
    );
    assert.is(JSON.parse(configured.stdout).report.noise.model, 'profile');
  }));

test('the cache knows results by their profile', () =>
  withFolder(async (cwd) => {
    await writeFile(join(cwd, 'a.png'), await noisyPicture('png'));
    const withLevel = async (level: number) => {
      const flat = { level: [level], spectrum: [1, 1, 1, 1] };
      await writeFile(
        join(cwd, 'p.json'),
        JSON.stringify({ brightness: [0.5], channels: [flat, flat, flat] }),
      );
      const args = [
        'a.png',
        '-o',
        'out',
        '--overwrite',
        '--noise',
        'p.json',
        '--json',
        ...FAST,
        '--cache=kept',
      ];
      const { code, stdout, stderr } = await command(args, { cwd });
      assert.is(code, 0, stderr);
      return JSON.parse(stdout).report.isCached === true;
    };
    assert.equal([await withLevel(0.05), await withLevel(0.05), await withLevel(0.1)], [false, true, false]);
  }));

test('a bad profile is refused: its file, the entry and what to do are named', () =>
  withFolder(async (cwd) => {
    await writeFile(join(cwd, 'a.png'), await noisyPicture('png'));
    const flat = { level: [0.05], spectrum: [1, 1, 1, 1] };
    const bad: readonly (readonly [text: string, words: RegExp])[] = [
      ['{', /p\.json: cannot be read .* expected a noise profile that flow-denoise noise wrote/],
      ['[]', /p\.json: expected a noise profile/],
      [
        JSON.stringify({ brightness: [0.1, 0.5], channels: [flat] }),
        /p\.json: .*channels\[0\]\.level: expected a level for each of the 2 brightnesses; correct it, or write a new one with flow-denoise noise/,
      ],
      [
        JSON.stringify({ brightness: [0.5], channels: [{ ...flat, level: [-1] }] }),
        /channels\[0\]\.level\[0\]/,
      ],
      [JSON.stringify({ version: 2, brightness: [0.5], channels: [flat] }), /version/],
      [JSON.stringify({ brightness: [0.5], channels: [flat], iso: 3200 }), /iso/],
    ];
    for (const [text, words] of bad) {
      await writeFile(join(cwd, 'p.json'), text);
      const { code, stderr } = await command(['a.png', '-o', 'out', '--noise', 'p.json'], { cwd });
      assert.is(code, 2, stderr);
      assert.match(stderr, words);
    }
    await writeFile(join(cwd, 'p.json'), JSON.stringify({ brightness: [0.5], channels: [flat] }));
    const refusals: readonly (readonly [args: readonly string[], words: RegExp])[] = [
      [['a.png', '-o', 'out', '--noise', 'none.json'], /none\.json: cannot be read/],
      [
        ['a.png', '-o', 'out', '--noise', 'p.json', '--sigma', '9'],
        /Pass either --sigma or --noise p\.json, not both/,
      ],
      [['noise', 'a.png', '-o', 'p.txt'], /ending in \.json for --output/],
      [['noise', 'a.png', '--svg'], /--svg <file>/],
      [['noise', 'a.png', '--region', '1,2,3'], /x,y,width,height/],
      [['noise', 'a.png', '--region', '0,0,9,9'], /a\.png: Expected a region of at least 32 x 32/],
      [
        ['noise', 'a.png', '--region', '0,0,40,40', '--pair', 'a.png'],
        /Pass either --region or --pair, not both/,
      ],
      [['noise', 'a.png', '--pair', 'none.png'], /No such file: none\.png/],
    ];
    for (const [args, words] of refusals) {
      const { code, stderr } = await command(args, { cwd });
      assert.is(code, 2, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, words);
    }
    assert.equal(await filesBelow(join(cwd, 'out')), []);
  }));

test('clean pictures make no profile, damaged ones are named, and nothing of another kind is replaced', () =>
  withFolder(async (cwd) => {
    await sharp({ create: { ...size, channels: 3, background: '#806040' } })
      .png()
      .toFile(join(cwd, 'flat.png'));
    await writeFile(join(cwd, 'bad.png'), 'no picture');
    const { code, stdout, stderr } = await command(['noise', 'flat.png', 'bad.png', '-o', 'p.json'], { cwd });
    assert.is(code, 1, stderr);
    assert.match(stdout, /would be left as it is/);
    assert.match(stderr, /bad\.png/);
    assert.match(stderr, /no noise was found/);
    assert.equal(await filesBelow(cwd), ['bad.png', 'flat.png']);
    await writeFile(join(cwd, 'p.json'), '{ "mine": true }');
    const other = await command(['noise', 'flat.png', '-o', 'p.json'], { cwd });
    assert.is(other.code, 2);
    assert.match(other.stderr, /p\.json: already exists and is not a noise profile/);
    assert.is(await readFile(join(cwd, 'p.json'), 'utf8'), '{ "mine": true }');
  }));

test('a figure replaces an earlier one, and no other drawing without --overwrite', () =>
  withFolder(async (cwd) => {
    await writeFile(join(cwd, 'a.png'), await noisyPicture('png', { width: 128, height: 128 }));
    const measure = ['noise', 'a.png', '--region', '0,0,128,128'];
    const mine =
      '<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9"/></svg>\n';
    for (const name of ['drawing.svg', 'p.svg']) await writeFile(join(cwd, name), mine);
    const ways = [
      ['drawing.svg', ['--svg', 'drawing.svg']],
      ['p.svg', ['-o', 'p.json', '--svg']],
    ] as const;
    for (const [name, way] of ways) {
      const { code, stderr } = await command([...measure, ...way], { cwd });
      assert.is(code, 2, stderr);
      assert.match(
        stderr,
        `${name}: already exists and is not a figure of noise; move it away, or pass --overwrite`,
      );
      assert.is(await readFile(join(cwd, name), 'utf8'), mine);
    }
    assert.equal(await filesBelow(cwd), ['a.png', 'drawing.svg', 'p.svg']);
    const replaced = await command([...measure, '--svg', 'drawing.svg', '--overwrite'], { cwd });
    assert.is(replaced.code, 0, replaced.stderr);
    const figure = await readFile(join(cwd, 'drawing.svg'), 'utf8');
    assert.match(figure, '<title>The noise of a.png</title>');
    await writeFile(join(cwd, 'drawing.svg'), `${figure}<!-- older -->`);
    const again = await command([...measure, '--svg', 'drawing.svg'], { cwd });
    assert.is(again.code, 0, again.stderr);
    assert.is(await readFile(join(cwd, 'drawing.svg'), 'utf8'), figure);
  }));

test.run();

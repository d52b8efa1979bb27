// The page of --report without a browser: what is on it, what its pictures look like, and that there is a whole page
// or none.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { escaped } from '#src/cli/report/html-report-page.js';
import { makePreviews, previewSizes } from '#src/cli/report/html-report-previews.js';
import { fixtureFolder } from '../../core/fixture.js';
import { noisyPicture, withFolder } from '../../plugin/pictures.js';
import { command, filesBelow } from '../command.js';

const SIZES = { whole: 64, detail: 32 };
const REAL = ['--method', 'posterior-mean', '--engine', 'onnx'];
const FAST = [...REAL, '--sigma', '25', '--prior', fixtureFolder('conditioned')];

function bytesOf(dataUrl: string): Buffer {
  return Buffer.from(dataUrl.slice(dataUrl.indexOf(',') + 1), 'base64');
}

/** The colour of a preview at a place given as shares of its sides. */
async function colourAt(dataUrl: string, x: number, y: number): Promise<number[]> {
  const { data, info } = await sharp(bytesOf(dataUrl)).raw().toBuffer({ resolveWithObject: true });
  const place = Math.floor(y * info.height) * info.width + Math.floor(x * info.width);
  return [...data.subarray(place * info.channels, (place + 1) * info.channels)];
}

function near(actual: readonly number[], expected: readonly number[], what: string): void {
  const isNear =
    actual.length === expected.length &&
    actual.every((value, i) => Math.abs(value - (expected[i] ?? 0)) <= 6);
  assert.ok(isNear, `${what}: ${actual} instead of ${expected}`);
}

/** Left half red, right half blue, 40 x 20. */
async function redAndBlue(): Promise<Buffer> {
  const blue = { create: { width: 20, height: 20, channels: 3, background: '#2040c0' } } as const;
  const red = { create: { width: 40, height: 20, channels: 3, background: '#c04020' } } as const;
  return sharp(red)
    .composite([{ input: blue, left: 20, top: 0 }])
    .png()
    .toBuffer();
}
const RED = [0xc0, 0x40, 0x20];
const BLUE = [0x20, 0x40, 0xc0];

test('previews stand upright', async () => {
  const source = await redAndBlue();
  const expected = { 1: 'lr', 2: 'rl', 3: 'rl', 4: 'lr', 5: 'tb', 6: 'tb', 7: 'bt', 8: 'bt' } as const;
  for (const [orientation, where] of Object.entries(expected)) {
    const turned = await sharp(source)
      .withMetadata({ orientation: Number(orientation) })
      .png()
      .toBuffer();
    const { whole, width, height } = await makePreviews(turned, turned, SIZES);
    const isWide = where === 'lr' || where === 'rl';
    assert.equal([width, height], isWide ? [40, 20] : [20, 40], orientation);
    const first = await colourAt(whole.before, isWide ? 0.2 : 0.5, isWide ? 0.5 : 0.2);
    const last = await colourAt(whole.after ?? '', isWide ? 0.8 : 0.5, isWide ? 0.5 : 0.8);
    const isRedFirst = where === 'lr' || where === 'tb';
    near(first, isRedFirst ? RED : BLUE, `orientation ${orientation}, first`);
    near(last, isRedFirst ? BLUE : RED, `orientation ${orientation}, last`);
  }
});

test('previews are sRGB, whatever the profile, the depth and the channels', async () => {
  const source = await redAndBlue();
  const cases: Record<string, Buffer> = {
    'Display P3': await sharp(source).withIccProfile('p3').png().toBuffer(),
    '16 bits': await sharp(source).toColourspace('rgb16').png().toBuffer(),
    'float TIFF': await floatTiff(source, 3),
  };
  for (const [name, file] of Object.entries(cases)) {
    const { whole } = await makePreviews(file, undefined, SIZES);
    near(await colourAt(whole.before, 0.2, 0.5), RED, name);
    assert.is(whole.after, undefined);
  }
  const p3 = await sharp(cases['Display P3']).metadata();
  assert.ok(p3.icc, 'the case has a profile');
  const stored = await sharp(cases['Display P3'], { ignoreIcc: true }).raw().toBuffer();
  assert.ok(Math.abs((stored[0] ?? 0) - 0xc0) > 6, 'whose numbers are not those of sRGB');

  const greySource = await sharp({ create: { width: 20, height: 20, channels: 3, background: '#646464' } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  const greys = { grey: greySource, 'grey float TIFF': await floatTiff(greySource, 1) };
  for (const [name, file] of Object.entries(greys)) {
    const { whole } = await makePreviews(file, undefined, SIZES);
    near((await colourAt(whole.before, 0.5, 0.5)).slice(0, 1), [0x64], name);
  }

  const clear = { create: { width: 20, height: 20, channels: 4, background: '#c0402080' } } as const;
  const { whole } = await makePreviews(await sharp(clear).png().toBuffer(), undefined, SIZES);
  assert.match(whole.before, /^data:image\/webp;/);
  near(await colourAt(whole.before, 0.5, 0.5), [...RED, 0x80], 'alpha');
});

/** The samples as floats from 0 to 1; sharp takes floats one channel at a time. */
async function floatTiff(file: Buffer, channels: 1 | 3): Promise<Buffer> {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: 1 as const };
  const planes = Array.from({ length: channels }, (_, c) =>
    Float32Array.from({ length: raw.width * raw.height }, (_, i) => (data[i * info.channels + c] ?? 0) / 255),
  );
  const pipeline = sharp(planes[0], { raw }).toColourspace(channels === 1 ? 'b-w' : 'scrgb');
  // Grey is joined with itself and parted again, without which it would be written as integers.
  const others = (channels === 1 ? planes : planes.slice(1)) as unknown as Buffer[];
  const joined = pipeline.joinChannel(others, { raw });
  return (channels === 1 ? joined.extractChannel(0) : joined).tiff({ compression: 'lzw' }).toBuffer();
}

test('a large picture is shrunk, with a detail from where there is most to see', async () => {
  // Flat but for one corner.
  const corner = await noisyPicture('png', { width: 100, height: 80 });
  const before = await sharp({ create: { width: 600, height: 400, channels: 3, background: '#808080' } })
    .composite([{ input: corner, left: 450, top: 300 }])
    .png()
    .toBuffer();
  const { whole, detail, width, height } = await makePreviews(before, before, { whole: 300, detail: 96 });
  assert.equal([width, height, whole.width, whole.height], [600, 400, 300, 200]);
  if (!detail) throw new Error('there is no detail');
  const { region, pair } = detail;
  assert.equal([region.width, region.height, pair.width, pair.height], [96, 96, 96, 96]);
  assert.ok(region.left >= 432 && region.left <= 504 && region.top >= 272, JSON.stringify(region));
  const { width: cut } = await sharp(bytesOf(pair.after ?? '')).metadata();
  assert.is(cut, 96);
});

test('many pictures get smaller previews', () => {
  assert.equal(previewSizes(1), { whole: 1600, detail: 480 });
  assert.equal(previewSizes(500), { whole: 720, detail: 320 });
});

test('what comes from outside is text', () => {
  assert.is(escaped(`<script>"a" & 'b'</script>\u202e\n`).includes('<'), false);
  assert.is(escaped('<a href="x">'), '&#60;a href=&#34;x&#34;&#62;');
  assert.is(escaped('\u202e\n'), '\\u{202e}\\n');
});

test('the page tells of every file: denoised, left unchanged, failed', () =>
  withFolder(async (cwd) => {
    await mkdir(join(cwd, 'in'));
    const name = process.platform === 'win32' ? "a&'amp.png" : `<script>alert("1")<`;
    await mkdir(join(cwd, 'in', name));
    await writeFile(join(cwd, 'in', name, 'a.png'), await noisyPicture('png'));
    const flat = sharp({ create: { width: 64, height: 64, channels: 3, background: '#446688' } });
    await writeFile(join(cwd, 'in/clean.png'), await flat.png().toBuffer());
    await writeFile(join(cwd, 'in/text.jpg'), '<b>not a picture</b>');
    const args = ['in', '-o', 'out', ...REAL, '--report', 'pages/report.html'];
    const { code, stderr } = await command(args, { cwd });
    assert.is(code, 1, stderr);
    assert.equal(await filesBelow(join(cwd, 'pages')), ['report.html']);
    const html = await readFile(join(cwd, 'pages/report.html'), 'utf8');
    assert.match(html, /<strong>1<\/strong> denoised/);
    assert.match(html, /<strong>1<\/strong> left unchanged/);
    assert.match(html, /<strong>1<\/strong> failed/);
    const [, time = 'no time'] = /2 of 3 done in (.*), 1 failed/.exec(stderr) ?? [];
    assert.match(html, `<strong>${time}</strong> in all`);
    assert.match(html, /BAD_IMAGE.*found text, expected a PNG/);
    assert.match(html, /sigma \d+\.\d/);
    for (const word of ['posterior mean', 'natural', 'onnx', 'format: PNG', 'size: 48 x 40'])
      assert.ok(html.includes(word), word);
    assert.is(html.match(/role="slider"/g)?.length, 1);
    assert.not.match(html, 'alert("1")');
    assert.is(html.match(/<script/g)?.length, 1);
    assert.not.match(html, /\b(?:src|href)="(?!data:|#)/);
    assert.not.match(html, /\sstyle=|\son\w+=/);
    assert.match(
      html,
      /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;/,
    );
    assert.not.match(html, 'unsafe');
  }));

test('a page replaces an older report, and no other file unless --overwrite is passed', () =>
  withFolder(async (cwd) => {
    await mkdir(join(cwd, 'in'));
    const flat = sharp({ create: { width: 64, height: 64, channels: 3, background: '#446688' } });
    await writeFile(join(cwd, 'in/clean.png'), await flat.png().toBuffer());
    const run = (output: string, ...more: string[]) =>
      command(['in', '-o', output, ...FAST, '--report', 'index.html', ...more], { cwd });
    const page = join(cwd, 'index.html');
    await writeFile(page, '<h1>My gallery</h1>');
    const refused = await run('out');
    assert.is(refused.code, 2, refused.stderr);
    assert.match(
      refused.stderr,
      /index\.html: already exists and is not a report; move it away, or pass --overwrite/,
    );
    assert.is(await readFile(page, 'utf8'), '<h1>My gallery</h1>');
    assert.equal((await readdir(cwd)).sort(), ['in', 'index.html']);
    const replaced = await run('out', '--overwrite');
    assert.is(replaced.code, 0, replaced.stderr);
    const first = await readFile(page, 'utf8');
    assert.match(first, 'flow-denoise report');
    const again = await run('more');
    assert.is(again.code, 0, again.stderr);
    assert.match(await readFile(page, 'utf8'), 'more/clean.png');
    assert.not.match(first, 'more/clean.png');
  }));

test('a run that is stopped leaves no page', () =>
  withFolder(async (cwd) => {
    await mkdir(join(cwd, 'in'));
    await writeFile(join(cwd, 'in/0.png'), await noisyPicture('png'));
    await writeFile(join(cwd, 'in/1.png'), await noisyPicture('png', { width: 3000, height: 2000 }));
    const { code, stderr } = await command(['in', '-o', 'out', ...FAST, '--report', 'pages/report.html'], {
      cwd,
      during(child) {
        child.stderr?.on('data', (text: string) => {
          if (text.includes('in/0.png')) child.kill('SIGINT');
        });
      },
    });
    assert.is(code, 130, stderr);
    assert.equal(await filesBelow(join(cwd, 'pages')), []);
    assert.equal(await filesBelow(join(cwd, 'out')), ['0.png']);
  }));

test('a page that cannot be written, or is no page, is refused before the work', () =>
  withFolder(async (cwd) => {
    await writeFile(join(cwd, 'a.png'), await noisyPicture('png'));
    await writeFile(join(cwd, 'file'), '');
    for (const [page, message] of [
      ['file/report.html', /file\/report\.html: could not be written/],
      ['a.png', /\.html for report/],
    ] as const) {
      const { code, stderr } = await command(['a.png', '-o', 'out', ...FAST, '--report', page], { cwd });
      assert.is(code, 2, stderr);
      assert.match(stderr, message);
    }
    assert.equal(await filesBelow(cwd), ['a.png', 'file']);
  }));

test('a page that fails in the end costs no picture, and leaves nothing behind', () =>
  withFolder(async (cwd) => {
    await writeFile(join(cwd, 'a.png'), await noisyPicture('png'));
    await mkdir(join(cwd, 'pages/report.html'), { recursive: true });
    const args = ['a.png', '-o', 'out', ...FAST, '--report', 'pages/report.html'];
    const refused = await command(args, { cwd });
    assert.is(refused.code, 2, refused.stderr);
    assert.equal(await filesBelow(cwd), ['a.png']);
    const { code, stderr } = await command([...args, '--overwrite'], { cwd });
    assert.is(code, 1, stderr);
    assert.match(stderr, /pages\/report\.html: could not be written/);
    assert.match(stderr, /1 of 1 done/);
    assert.equal(await filesBelow(cwd), ['a.png', 'out/a.png']);
  }));

test.run();

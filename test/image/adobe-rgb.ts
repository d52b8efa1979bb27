// Adobe RGB (1998) as an ICC profile of version 2, from its published numbers: three primaries adapted to D50, gamma
// 2.19921875. Made here, because none comes with sharp.

/** The bytes of the profile. */
export function adobeRgbProfile(): Buffer {
  const tags: readonly (readonly [name: string, data: Buffer])[] = [
    ['desc', description('Adobe RGB (1998) for tests')],
    ['cprt', Buffer.concat([Buffer.from('text\0\0\0\0none\0')])],
    ['wtpt', xyz(0.95045, 1, 1.08905)],
    ['rXYZ', xyz(0.60974, 0.31111, 0.01947)],
    ['gXYZ', xyz(0.20528, 0.62567, 0.06087)],
    ['bXYZ', xyz(0.14919, 0.06322, 0.74457)],
    ['rTRC', gamma()],
    ['gTRC', gamma()],
    ['bTRC', gamma()],
  ];
  const table = Buffer.alloc(4 + 12 * tags.length);
  table.writeUInt32BE(tags.length, 0);
  const bodies: Buffer[] = [];
  let at = 128 + table.length;
  tags.forEach(([name, data], i) => {
    table.write(name, 4 + 12 * i, 'latin1');
    table.writeUInt32BE(at, 8 + 12 * i);
    table.writeUInt32BE(data.length, 12 + 12 * i);
    const padded = Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
    bodies.push(padded);
    at += padded.length;
  });
  const header = Buffer.alloc(128);
  header.writeUInt32BE(at, 0);
  header.writeUInt32BE(0x02100000, 8);
  header.write('mntrRGB XYZ ', 12, 'latin1');
  header.write('acsp', 36, 'latin1');
  xyzNumbers(0.9642, 1, 0.8249).copy(header, 68);
  return Buffer.concat([header, table, ...bodies]);
}

function xyzNumbers(...numbers: readonly number[]): Buffer {
  const out = Buffer.alloc(4 * numbers.length);
  numbers.forEach((value, i) => {
    out.writeInt32BE(Math.round(value * 65536), 4 * i);
  });
  return out;
}

function xyz(x: number, y: number, z: number): Buffer {
  return Buffer.concat([Buffer.from('XYZ \0\0\0\0'), xyzNumbers(x, y, z)]);
}

function gamma(): Buffer {
  return Buffer.from('63757276000000000000000102330000', 'hex');
}

function description(text: string): Buffer {
  const head = Buffer.alloc(12);
  head.write('desc', 'latin1');
  head.writeUInt32BE(text.length + 1, 8);
  return Buffer.concat([head, Buffer.from(`${text}\0`), Buffer.alloc(78)]);
}

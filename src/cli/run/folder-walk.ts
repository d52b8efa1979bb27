// Every file below a folder, by walking it: patterns do not match names with line breaks in them. Hidden files and folders
// are passed over, links are followed, also to folders, but never to one that they lie in.
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** @returns  paths below the folder, with this system's separators */
export async function filesBelow(folder: string): Promise<string[]> {
  return walk(folder, '', [await realpath(folder)]);
}

/** @param above  the real paths of the folders that this one lies in, and its own */
async function walk(root: string, below: string, above: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const path = join(below, entry.name);
    switch (await kindOf(entry, join(root, path))) {
      case 'file':
        found.push(path);
        break;
      case 'folder': {
        const real = await realpath(join(root, path));
        if (!above.some((each) => each === real || each.startsWith(real + sep)))
          found.push(...(await walk(root, path, [...above, real])));
        break;
      }
      default:
    }
  }
  return found;
}

async function kindOf(entry: Dirent, path: string): Promise<'file' | 'folder' | undefined> {
  // A link that leads nowhere is no file.
  const it = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
  if (it?.isDirectory()) return 'folder';
  return it?.isFile() ? 'file' : undefined;
}

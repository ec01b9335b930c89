/**
 * Certificates for tests, made by `openssl`.
 * @module
 */

/** Whether there is an `openssl`. */
export const hasOpenssl: boolean =
  Deno.permissions.querySync({ name: "run" }).state === "granted" && (() => {
    try {
      return new Deno.Command("openssl", { args: ["version"], stdout: "null" }).outputSync()
        .success;
    } catch {
      return false;
    }
  })();

/** A certificate with its key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes an authority and certificates that it has signed, for `localhost` and 127.0.0.1. */
export async function certificates(
  ...names: readonly string[]
): Promise<{ readonly ca: string; readonly signed: readonly Certificate[] }> {
  const dir = await Deno.makeTempDir();
  const run = async (...args: string[]): Promise<void> => {
    const { success, stderr } = await new Deno.Command("openssl", { args, cwd: dir }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  const read = (name: string): Promise<string> => Deno.readTextFile(`${dir}/${name}`);
  try {
    const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    await run("req", "-x509", ...ec, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca");
    await Deno.writeTextFile(`${dir}/ext`, "subjectAltName=DNS:localhost,IP:127.0.0.1");
    const signed: Certificate[] = [];
    for (const name of names) {
      await run("req", ...ec, "-keyout", "key", "-out", "csr", "-subj", `/CN=${name}`);
      const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "ext"];
      await run("x509", "-req", "-in", "csr", ...by, "-out", "cert");
      signed.push({ cert: await read("cert"), key: await read("key") });
    }
    return { ca: await read("ca.pem"), signed };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

import type { ISettingRegistry } from "@jupyterlab/settingregistry"
import * as z from "zod/mini"
import { preferences } from "../view/preferences.ts"

/** The settings as schema/jobs.json has them; what is wrong in the user's file counts as not said. */
const chosen = z.object({
  show: z.catch(z.enum(["grid", "bar", "none"]), "grid"),
  palette: z.catch(z.enum(["safe", "theme"]), "safe"),
  refreshMs: z.catch(z.number().check(z.gte(50), z.lte(10_000)), 100),
  saveWhileRunning: z.catch(z.boolean(), true),
})

/** Whether a notebook is saved when a job begins to run in it. */
export let saveWhileRunning = true

/** Applies the settings now and whenever they change. */
export async function followSettings(registry: ISettingRegistry, id: string): Promise<void> {
  try {
    const settings = await registry.load(id)
    const apply = () => {
      const now = chosen.parse(settings.composite)
      saveWhileRunning = now.saveWhileRunning
      preferences.set(now)
    }
    settings.changed.connect(apply)
    apply()
  } catch (error) {
    console.warn("cellfan's settings could not be read; its defaults are used.", error)
  }
}

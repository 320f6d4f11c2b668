"""jupyter_kernel_test against the kernel given on the command line, with everything it can ask for declared.

Usage: kernel_tests.py COMMAND…
"""

import sys
import unittest

import jupyter_kernel_test
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

COMMAND = sys.argv[1:]


class Manager(KernelManager):
    @property
    def kernel_spec(self):
        return KernelSpec(argv=[*COMMAND, "{connection_file}"], interrupt_mode="message")


class CellfanTests(jupyter_kernel_test.KernelTests):
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('to stderr')"
    completion_samples = [
        {"text": "const tex", "matches": set()},
        {"text": "Number.isInt", "matches": {"isInteger"}},
        {"text": "'text'.toUpp", "matches": {"toUpperCase"}},
        {"text": "'😀'.padSt", "matches": {"padStart"}},
    ]
    complete_code_samples = ["1", "const one = 1", "function f() {\n  return 1\n}", "`a\nb`", "[1].map((x) => x)"]
    incomplete_code_samples = ["function f() {", "const one =", "`a\n", "[1,", "if (true) {\n  1", "f("]
    invalid_code_samples = ["const 1 = 2", "}", "let x y", "1 +* 2"]
    code_page_something = "setTimeout?"
    code_generate_error = "throw new Error('as asked')"
    code_execute_result = [
        {"code": "1 + 2 + 3", "result": "6"},
        {
            "code": "({ [Symbol.for('Jupyter.display')]: () => ({ 'text/markdown': '*x*' }) })",
            "mime": "text/markdown",
        },
        {"code": "6 * 7", "result": "42"},
    ]
    code_display_data = [
        {"code": "import { display } from 'tslab'\ndisplay.html('<b>bold</b>')", "mime": "text/html"},
        {"code": "display.markdown('*x*')", "mime": "text/markdown"},
    ]
    code_history_pattern = "6 ? 7"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "parseInt"
    code_clear_output = "console.clear()"

    @classmethod
    def setUpClass(cls):
        cls.km = Manager()
        cls.km.start_kernel()
        cls.kc = cls.km.client()
        cls.kc.start_channels()
        cls.kc.wait_for_ready(timeout=60)
        # The compiler is loaded by the first cell; the suite waits only a second for a message.
        cls.kc.execute_interactive("0", timeout=60)


class WelcomeTests(jupyter_kernel_test.IopubWelcomeTests):
    support_iopub_welcome = True

    @classmethod
    def setUpClass(cls):
        cls.km = Manager()
        cls.km.start_kernel()
        cls.kc = cls.km.client()


unittest.main(argv=["kernel_tests"], verbosity=2)

// The tokens of docs' look: one accent, one colour each for attention and stop, the rest neutral. The
// neutral colours are plain CSS variables in desktop.css; this hands the same values to Mantine.
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const teal: MantineColorsTuple = [
  "#e6f2f0",
  "#cfe5e2",
  "#a3ccc7",
  "#74b2ab",
  "#4d9c94",
  "#2f8a82",
  "#177f78",
  "#0f6661",
  "#0b5753",
  "#074541",
];

// Mantine's dark surfaces, in our neutral: text first, the deepest ground last.
const dark: MantineColorsTuple = [
  "#e6ebe9",
  "#b8c2bf",
  "#9daaa6",
  "#6b7774",
  "#3d4846",
  "#262e2c",
  "#1b2120",
  "#161b1a",
  "#121716",
  "#101413",
];

export const theme = createTheme({
  primaryColor: "teal",
  primaryShade: { light: 7, dark: 6 },
  colors: { teal, dark },
  fontFamily: '"Inter Variable", Inter, system-ui, sans-serif',
  fontFamilyMonospace: '"DejaVu Sans Mono", ui-monospace, Menlo, Consolas, monospace',
  fontSizes: { xs: "13px", sm: "15px", md: "15px", lg: "18px", xl: "24px" },
  spacing: { xs: "4px", sm: "8px", md: "12px", lg: "16px", xl: "24px" },
  defaultRadius: 6,
  radius: { xs: "6px", sm: "6px", md: "6px", lg: "6px", xl: "6px" },
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    TextInput: { defaultProps: { size: "sm" } },
    Button: { defaultProps: { size: "sm" } },
    Modal: { defaultProps: { transitionProps: { duration: 120 }, radius: 6 } },
    Menu: { defaultProps: { transitionProps: { duration: 80 }, shadow: "md" } },
  },
});

export const variables: CSSVariablesResolver = () => ({
  variables: {
    "--mantine-color-body": "var(--bg)",
    "--mantine-color-text": "var(--text)",
    "--mantine-color-error": "var(--stop)",
    "--mantine-color-dimmed": "var(--muted)",
    "--mantine-color-placeholder": "var(--faint)",
  },
  light: {
    "--mantine-color-default-border": "var(--edge)",
    "--mantine-color-default": "var(--surface)",
    "--mantine-color-default-hover": "var(--hover)",
    "--mantine-color-body": "var(--bg)",
    "--mantine-color-text": "var(--text)",
    "--mantine-color-error": "var(--stop)",
    "--mantine-color-placeholder": "var(--faint)",
    "--mantine-color-dimmed": "var(--muted)",
  },
  dark: {
    "--mantine-color-default-border": "var(--edge)",
    "--mantine-color-default": "var(--surface)",
    "--mantine-color-default-hover": "var(--hover)",
    "--mantine-color-body": "var(--bg)",
    "--mantine-color-text": "var(--text)",
    "--mantine-color-error": "var(--stop)",
    "--mantine-color-placeholder": "var(--faint)",
    "--mantine-color-dimmed": "var(--muted)",
  },
});

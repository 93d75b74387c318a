"""Published figures of the tables that come with vaelab, repeated so that no edit changes one.

Each cell as "published", "?" if it is recalled only and "=" if it is derived, "~" and the standard
deviation printed with it, and its band; "-" is a cell without a figure and "." one that the table
does not have. Columns are in the order of the YAML.
"""

import re

import pytest

from vaelab.composing import groups
from vaelab.reproduce import spec

CONFIGS = groups.config_dir()
MARKS = {"?": "recalled", "=": "derived"}
# Name: how sure the figures are that have no mark, the columns, and the rows.
PUBLISHED = {
    "iwae_1": (
        "read",
        "mnist mnist_units_top mnist_units_h1 omniglot omniglot_units_top omniglot_units_h1",
        """
        l1_vae_k1   86.76[-0.5,1] 19 . 108.11±0.8 28 .
        l1_iwae_k1  86.76[-0.5,1] 19 . 108.11±0.8 28 .
        l1_vae_k5   86.47±0.5 20 . 107.62±0.8 28 .
        l1_iwae_k5  85.54[-0.4,0.3] 22 . 106.12±0.8 34 .
        l1_vae_k50  86.35±0.5 20 . 107.80±0.8 28 .
        l1_iwae_k50 84.78±0.3 25 . 104.67±0.8 41 .
        l2_vae_k1   85.33±0.6 5 16 107.58±0.8 4 28
        l2_iwae_k1  85.33±0.6 5 16 107.56±0.8 5 30
        l2_vae_k5   85.01[-1,0.5] 5 17 106.31±0.8 5 30
        l2_iwae_k5  83.89[-0.5,0.3] 5 21 104.79±0.8 6 38
        l2_vae_k50  84.78[-1,0.5] 5 17 106.30±0.8 5 30
        l2_iwae_k50 82.90±0.3 7 26 103.38±0.8 7 44
        """,
    ),
    "iwae_2": (
        "read",
        "first first_units second second_units",
        """
        vae_then_iwae 86.76[-0.5,1] 19 84.88±0.4 22
        iwae_then_vae 84.78±0.3 25 86.02±0.5 23
        """,
    ),
    "iwae_d": (
        "read",
        "nll units_top units_h1",
        """
        l1_vae_k1   88.71[-0.5,1.3] 19 .
        l1_iwae_k1  88.71[-0.5,1.3] 19 .
        l1_vae_k5   88.83[-0.5,0.8] 19 .
        l1_iwae_k5  87.63±0.3 22 .
        l1_vae_k50  89.05[-0.5,0.8] 20 .
        l1_iwae_k50 87.10[-0.4,0.3] 24 .
        l2_vae_k1   88.08[-1.4,0.5] 5 16
        l2_iwae_k1  88.08[-1.4,0.5] 5 16
        l2_vae_k5   87.63[-1.4,0.5] 5 17
        l2_iwae_k5  86.17[-0.6,0.3] 5 21
        l2_vae_k50  87.86[-1.4,0.5] 6 17
        l2_iwae_k50 85.32[-0.6,0.3] 7 24
        """,
    ),
    "lagging_text": (
        "read",
        "yahoo_nll yahoo_kl yahoo_mi yahoo_au yelp_nll yelp_kl yelp_mi yelp_au",
        """
        cnn_vae 332.1 10.0 . . 359.1 7.6 . .
        kim 327.5 7.19 . . . . . .
        vae_anneal 328.6±0.6 0.0±0.3 0.0±0.3 - 358.1±0.6 0.0±0.3 0.0±0.3 -
        vae_anneal_final 328.6?~0.0 0.0?~0.0 0.0?~0.0 0.0?~0.0 357.9?~0.1 0.0?~0.0 0.0?~0.0
            0.0?~0.0
        beta_02 333.1±2.1 18.7±3.4 3.4±0.3 - 360.4±1.7 11.3±5.2 3.3±1.3 -
        beta_02_final 332.2?~0.6 19.1?~1.5 3.3?~0.1 20.4?~6.8 360.7?~0.7 11.7?~2.4 3.0?~0.5
            10.0?~5.9
        beta_04 328.5±0.6 3.8 2.2 - 358.8±1.2 4.0±1 1.8±0.8 -
        beta_04_final 328.7?~0.1 6.3?~1.7 2.8?~0.6 8.0?~5.2 358.2?~0.3 4.2?~0.4 2.0?~0.3 4.2?~3.8
        beta_06 328.6±0.6 0.1±0.6 0.1±0.3 - 358.1±0.6 0.1±0.5 0.1±0.3 -
        beta_06_final 328.5?~0.1 0.3?~0.2 0.2?~0.1 1.0?~0.7 357.9?~0.1 0.2?~0.2 0.1?~0.1 3.8?~2.9
        beta_08 328.8±0.6 0.0±0.3 0.0±0.3 - 357.9±0.6 0.0±0.3 0.0±0.3 -
        beta_08_final 328.8?~0.1 0.0?~0.0 0.0?~0.0 0.0?~0.0 358.1?~0.2 0.0?~0.0 0.0?~0.0 0.0?~0.0
        sa_vae_anneal 327.4 3.5 1.9 . 355.9 2.3 1.3 .
        sa_vae_anneal_final 327.2?~0.2 5.2?~1.4 2.7?~0.5 9.8?~1.3 355.9?~0.1 2.8?~0.5 1.7?~0.3
            8.4?~0.9
        aggressive_anneal 326.6±0.6 6.7±2.4 3.2±0.7 - 355.9±0.6 3.7±0.5 2.3±0.3 -
        aggressive_anneal_final 326.7?~0.1 5.7?~0.7 2.9?~0.2 15.0?~3.5 355.9?~0.1 3.8?~0.2 2.4?~0.1
            11.3?~1.0
        lm 328.1±0.7 . . . 357.3±2 . . .
        lm_final 328.0?~0.3 . . . 358.1?~0.6 . . .
        vae 328.8±0.6 0.0±0.3 0.0±0.3 - 358.2±0.6 0.0±0.3 0.0±0.3 -
        vae_final 329.0?~0.1 0.0?~0.0 0.0?~0.0 0.0?~0.0 358.3?~0.2 0.0?~0.0 0.0?~0.0 0.0?~0.0
        sa_vae 329.1 0.1 0.0 . 357.7 0.4 0.3 .
        sa_vae_final 329.2?~0.2 0.1?~0.0 0.1?~0.0 0.8?~0.4 357.8?~0.2 0.3?~0.1 0.3?~0.0 1.0?~0.0
        aggressive 328.0±0.6 5.4±0.6 3.0±0.3 - 357.0±0.6 3.8±1 2.6±0.4 -
        aggressive_final 328.2?~0.2 5.6?~0.2 3.0?~0.0 8.0?~0.0 356.9?~0.2 3.4?~0.3 2.4?~0.1
            7.4?~1.3
        """,
    ),
    "lagging_image": (
        "read",
        "nll kl mi au",
        """
        vlae 89.83 . . .
        vampprior 89.76 . . .
        kim 90.05 2.78 . .
        vae_anneal 89.20±0.2 2.1±0.4 1.9±0.4 -
        vae_anneal_final 89.21?~0.04 1.97?~0.12 1.79?~0.11 5.3?~1.0
        beta_02 105.19±1.6 69.1±4.9 3.9±0.2 -
        beta_02_final 105.96?~0.38 69.62?~2.16 3.89?~0.03 32.0?~0.0
        beta_04 95.89±1 28.0 3.9±0.2 -
        beta_04_final 96.09?~0.36 44.93?~12.17 3.91?~0.03 32.0?~0.0
        beta_06 92.16±0.3 20.4 3.9±0.2 -
        beta_06_final 92.14?~0.12 25.43?~9.12 3.93?~0.03 32.0?~0.0
        beta_08 89.27±0.2 9.6±0.8 3.9±0.2 -
        beta_08_final 89.15?~0.04 9.98?~0.20 3.84?~0.03 13.0?~0.7
        sa_vae_anneal 89.01 3.4 2.6 .
        sa_vae_anneal_final 89.07?~0.06 3.32?~0.08 2.63?~0.04 8.6?~0.5
        aggressive_anneal 89.12±0.2 2.5±0.5 2.2±0.5 -
        aggressive_anneal_final 89.11?~0.04 2.36?~0.15 2.02?~0.12 7.2?~1.3
        pixelcnn 89.76±0.2 . . .
        pixelcnn_final 89.73?~0.04 . . .
        vae 89.41±0.2 1.5±0.3 1.4±0.2 -
        vae_final 89.41?~0.04 1.51?~0.05 1.43?~0.07 3.0?~0.0
        sa_vae 89.30 2.6 2.2 .
        sa_vae_final 89.29?~0.02 2.55?~0.05 2.20?~0.03 4.0?~0.0
        aggressive 89.03±0.2 2.5±0.3 2.2±0.2 -
        aggressive_final 89.05?~0.05 2.51?~0.14 2.19?~0.08 5.6?~0.5
        """,
    ),
    "lagging_time": (
        "read",
        "yahoo yahoo_hours yelp yelp_hours omniglot omniglot_hours",
        """
        vae 1.00 5.35 1.00 5.75 1.00 4.30
        sa_vae 9.91 52.99 10.33 59.37 15.15 65.07
        aggressive 2.20±1 11.76 3.73±1 21.44 2.19±1 9.42
        """,
    ),
    "savae_text": (
        ("read", "quoted", "repeated"),
        "bound kl ppl",
        """
        lstm_lm_yang 334.9? . 66.2?
        lstm_vae_yang 342.1? 0.0? 72.5?
        lstm_vae_init_yang 339.2? 0.0? 69.9?
        cnn_lm_yang 335.4? . 66.6?
        cnn_vae_yang 333.9? 6.7? 65.4?
        cnn_vae_init_yang 332.1 10.0 63.9?
        lm 329.1±1.5 . 61.6±1.2
        vae 330.2[-2.2,1.5] 0.01±0.3 62.5
        vae_init 330.5? 0.37? 62.7?
        vae_drop_25 334.2 1.44 65.6?
        vae_drop_50 345.0? 5.29? 75.2?
        svi_10 331.4? 0.16? 63.4?
        svi_20 330.8? 0.41? 62.9?
        svi_40 329.8? 1.01? 62.2?
        vae_svi_10 331.2? 7.85? 63.3?
        vae_svi_20 330.5? 7.80? 62.7?
        vae_svi_kl_10 330.3? 7.95? 62.5?
        vae_svi_kl_20 330.1? 7.81? 62.3?
        sa_vae_10 327.6? 5.13? 60.5?
        sa_vae_20 327.5±1.5 7.19 60.4
        sa_vae_20_exact - - .
        """,
    ),
    "savae_image": (
        "quoted",
        "bound kl",
        """
        iwae 103.38? .
        ladder 102.11? .
        rbm 100.46? .
        discrete 97.43? .
        draw 96.50? .
        conv_draw 91.00? .
        vlae 89.83 .
        vampprior 89.76 .
        pixelcnn 90.59? .
        vae 90.43? 0.98?
        svi_10 90.51? 0.06?
        svi_20 90.51? 0.06?
        svi_40 90.44? 0.27?
        svi_80 90.27? 1.65?
        vae_svi_10 90.26? 1.69?
        vae_svi_20 90.19? 2.40?
        vae_svi_kl_10 90.24? 2.42?
        vae_svi_kl_20 90.21? 2.83?
        sa_vae_10 90.20? 1.83?
        sa_vae_20 90.05±0.3 2.78
        sa_vae_20_exact - -
        """,
    ),
    "savae_synthetic": (
        "recalled",
        "oracle oracle_gap learned learned_gap",
        """
        truth 19.63 0.0 19.63 0.0
        vae 21.77 2.14 27.06 7.43
        svi 22.33 2.70 25.82 6.19
        vae_svi - - - -
        vae_svi_kl - - - -
        sa_vae 20.13 0.50 25.21 5.58
        sa_vae_official 20.13 0.50 25.21 5.58
        """,
    ),
    "tighter_1": (
        "quoted",
        "iwae piwae_4_16 piwae_8_8 miwae_4_16 miwae_8_8 ciwae_005 ciwae_05 vae",
        """
        iwae_64  -86.11±0.3 -85.68? -85.74±0.3 -85.60±0.3 -85.69±0.3 -85.91? -86.08±0.3
                 -86.69±0.3
        log_p    -84.52±0.3 -84.40? -84.46±0.3 -84.56±0.3 -84.97±0.3 -84.57±0.3 -85.24±0.3
                 -86.21±0.3
        minus_kl -1.59±0.3 -1.28? -1.28±0.3 -1.04=±0.3 -0.72±0.3 -1.34? -0.84±0.3 -0.47±0.3
        """,
    ),
    "vampprior_1": (
        "read",
        "vae_standard vae_vamp hvae_standard hvae_vamp conv_hvae_standard conv_hvae_vamp "
        "pixel_hvae_standard pixel_hvae_vamp",
        """
        static_mnist   -88.56±0.5 -85.57±0.5 -86.05[-2.2,0.5] -83.19[-2.2,0.5] -82.41±0.7
                       -81.09±0.7 -80.58±1 -79.78±1
        dynamic_mnist  -84.50±0.5 -82.38±0.5 -82.42±0.6 -81.24±0.6 -80.40±0.7 -79.75±0.7
                       -79.70±1 -78.45±1
        omniglot       -108.50[-2.5,0.5] -104.75[-2.5,0.5] -103.52[-2.5,0.5] -101.18[-2.5,0.5]
                       -97.65±0.7 -97.56±0.7 -90.11±1 -89.76±1
        caltech101     -123.43±2 -114.55±2 -112.08±2 -108.28±2 -106.35±2 -104.22±2 -85.51±2
                       -86.22±2
        freyfaces      4.63±0.06 4.57±0.06 4.61±0.06 4.51±0.06 4.49±0.06 4.45±0.06 4.43±0.06
                       4.38±0.06
        histopathology 6.07±0.05 6.04±0.05 5.82±0.05 5.75±0.05 5.59±0.05 5.58±0.05 4.84±0.05
                       4.82±0.05
        """,
    ),
    "vampprior_2": (
        "read",
        "ll",
        """
        vae_nf          -85.10
        vae_2           -87.86
        iwae_2          -85.32
        hvae_standard   -85.89[-2.2,0.5]
        hvae_mog        -85.07[-2.2,0.5]
        hvae_vamp_data  -85.71[-2.2,0.5]
        hvae_vamp       -83.19[-2.2,0.5]
        avb_ac          -80.20
        vlae            -79.03
        vae_iaf         -79.88
        conv_hvae_vamp  -81.09±0.7
        pixel_hvae_vamp -79.78±1
        """,
    ),
    "libi_2019": (
        "read",
        "linear_jtex cubic_jtex gaussian4 mobius",
        """
        truth     - - - -
        vae       -3.15~0.04±0.06 -5.85~0.63 6.73~0.23 1.88~0.05
        beta_vae  -3.15±0.06 -5.47 7.65 1.92
        annealed  -3.15±0.06 -12.91~11.5 7.54 1.88
        lagging   -3.15±0.06 -30.64~39 6.94 1.90
        libi      -2.99~0.03 -8.90 7.85~0.05 1.91
        mapa      - - - -
        vae_free  - - . .
        mapa_free - - . .
        """,
    ),
    "vampprior_3": (
        "read",
        "ll",
        """
        vae_vgp         -81.32
        cagem           -81.60
        lvae            -81.74
        hvae_vamp_data  -81.71±0.6
        hvae_vamp       -81.24±0.6
        vlae            -78.53
        vae_iaf         -79.10
        pixel_vae       -78.96
        conv_hvae_vamp  -79.78±0.7
        pixel_hvae_vamp -78.45±1
        """,
    ),
    "vampprior_4": (
        "read",
        "ll",
        """
        vr_max          -103.72
        iwae_2          -103.38
        lvae            -102.11
        hvae_vamp       -101.18[-2.5,0.5]
        vlae            -89.83
        conv_hvae_vamp  -97.56±0.7
        pixel_hvae_vamp -89.76±1
        """,
    ),
    "vampprior_5": (
        "read",
        "ll",
        """
        iwae_1          -117.21
        vr_max          -117.10
        hvae_vamp       -108.28±2
        vlae            -78.53
        conv_hvae_vamp  -104.22±2
        pixel_hvae_vamp -86.22±2
        """,
    ),
    "vampprior_k": (
        "read",
        "vamp_elbo mog_elbo standard_elbo vamp_units_z1 vamp_units_z2",
        """
        k1    -92.6 -92.65 . 37 19
        k10   -91.8 -92.5 . 37 21
        k100  -91.25 -92.4 . 37 24
        k300  -91 -92.4 . 37 25
        k500  -90.6 -92.35 . 36 29
        k1000 -90.95 -92.8 . 36 26
        none  . . -94.4 . .
        """,
    ),
}


def figure(text):
    """(published, its standard deviation, mark, band) of one cell."""
    if text == "-":
        return None, None, "", None
    value, mark, sd, even, low, high = re.fullmatch(
        r"(-?[\d.]+)([?=]?)(?:~([\d.]+))?(?:±([\d.]+)|\[([-\d.]+),([-\d.]+)\])?", text
    ).groups()
    ends = (f"-{even}", even) if even else (low, high)
    band = (float(ends[0]), float(ends[1])) if ends[0] else None
    return float(value), float(sd) if sd else None, mark, band


def cells(name):
    """{row/column: (published, sd, mark, band)}, rows and columns in order."""
    _, columns, text = PUBLISHED[name]
    columns, found, left = columns.split(), {}, []
    for word in text.split():
        if word[0].isalpha():
            assert not left, (name, left)
            row, left = word, list(columns)
            continue
        column = left.pop(0)
        if word != ".":
            found[f"{row}/{column}"] = figure(word)
    return found


@pytest.mark.parametrize("name", PUBLISHED)
def test_figures_bands_and_certainty_are_as_they_were_published_and_judged(name):
    noted, (sure, *_) = cells(name), PUBLISHED[name]
    kind = "figure" if name == "vampprior_k" else "table"
    table = spec.find(kind, name, CONFIGS)
    assert [cell.name for cell in table.cells] == list(noted)
    for cell in table.cells:
        published, sd, mark, band = noted[cell.name]
        assert (cell.published, cell.published_sd) == (published, sd), cell.name
        assert cell.band == band, cell.name
        sure_enough = cell.certainty.startswith(MARKS.get(mark, sure))
        assert sure_enough or published is None, cell.name


def test_every_table_with_figures_is_repeated():
    names = [(kind, name) for kind in spec.KINDS for name in groups.options(kind, CONFIGS)]
    tables = [spec.find(kind, name, CONFIGS) for kind, name in names]
    figures = {table.name for table in tables if any(c.published is not None for c in table.cells)}
    assert figures == set(PUBLISHED)

"""The gated PixelCNN without a latent: the same decoder, and bounds that are log p(x)."""

import torch
from torch.testing import assert_close

from tests.architecture.published import architecture, count
from tests.laws.components import read
from vaelab.model import VAE
from vaelab.prior.standard import Standard
from vaelab.traits import Trait


def test_it_is_resnet_gated_pixelcnn_s_decoder_without_maps():
    names = ("resnet_gated_pixelcnn", "gated_pixelcnn")
    with_maps, mine = (architecture(one).decoder for one in names)
    shapes, expected = (
        {name: parameter.shape for name, parameter in decoder.network.named_parameters()}
        for decoder in (mine, with_maps)
    )
    for conv, kernel in (("vertical", (5, 9)), ("horizontal", (1, 5))):
        assert expected.pop(f"layers.0.{conv}.weight") == (64, 5, *kernel)
        assert shapes.pop(f"layers.0.{conv}.weight") == (64, 1, *kernel)
    assert shapes == expected
    assert count(mine) == 628_513
    (_, own), (_, other) = (read("architecture", one) for one in reversed(names))
    assert own == {name: other[name] for name in ("channels", "kernels")}


@torch.no_grad()
def test_there_is_no_latent():
    torch.manual_seed(0)
    built = architecture("gated_pixelcnn", (1, 4, 5), channels=4, kernels=[3, 3])
    assert built.latent_dims == (0,)
    assert count(built.encoder) == 0
    assert built.decoder.exact
    assert built.decoder.autoregressive
    assert not {Trait.ENCODER, Trait.TOP_POSTERIOR, Trait.LOCAL_POSTERIOR} & built.offers
    vae, x = VAE(built.encoder, built.decoder, Standard(0)), torch.rand(3, 1, 4, 5).round()
    terms = vae.terms(x, vae.encoder(x), 2)
    assert_close(terms.log_w(), terms.log_px, rtol=0, atol=0)
    assert_close(terms.log_px[0], terms.log_px[1])
    assert vae.decoder(terms.z).sample().shape == (2, 3, 1, 4, 5)

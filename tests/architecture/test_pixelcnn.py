"""The PixelCNN without a latent: the same decoder, and bounds that are log p(x)."""

import itertools

import pytest
import torch
from torch.testing import assert_close

from tests.architecture.published import architecture, count
from tests.laws.components import read, scramble
from vaelab.errors import UserError
from vaelab.model import VAE
from vaelab.prior.standard import Standard
from vaelab.traits import Trait

F64 = {"dtype": torch.float64}


def test_it_is_resnet_pixelcnn_s_decoder_without_maps():
    with_maps, mine = (architecture(one).decoder for one in ("resnet_pixelcnn", "pixelcnn"))
    shapes, expected = (
        {name: parameter.shape for name, parameter in decoder.network.named_parameters()}
        for decoder in (mine, with_maps)
    )
    assert expected.pop("first.conv.weight") == (64, 5, 7, 7)
    assert shapes.pop("first.conv.weight") == (64, 1, 7, 7)
    assert shapes == expected
    # 894,400 less the linear layer and the first layer's weights of four maps.
    assert count(mine) == 894_400 - (32 + 1) * 4 * 28 * 28 - 4 * 49 * 64


def test_the_yaml_has_resnet_pixelcnn_s_sizes():
    (_, mine), (_, other) = (read("architecture", one) for one in ("pixelcnn", "resnet_pixelcnn"))
    assert mine == {name: other[name] for name in ("channels", "kernels")}


def test_there_is_no_latent():
    built = architecture("pixelcnn")
    assert built.latent_dims == (0,)
    assert count(built.encoder) == 0
    assert built.decoder.exact
    assert built.decoder.autoregressive
    assert not {Trait.ENCODER, Trait.TOP_POSTERIOR, Trait.LOCAL_POSTERIOR} & built.offers


@torch.no_grad()
def test_the_log_weight_is_log_p_of_x():
    """Its exponentials over all 512 images of 3x3 sum to one."""
    torch.manual_seed(0)
    built = architecture("pixelcnn", (1, 3, 3), channels=4)
    vae = VAE(built.encoder, built.decoder, Standard(0)).double()
    scramble(vae, 0.3)
    every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=9)), **F64).view(512, 1, 3, 3)
    vae.decoder((torch.zeros(1, 512, 0, **F64),)).log_prob(every)  # statistics of batch norm
    vae.eval()
    terms = vae.terms(every, vae.encoder(every), 2)
    assert terms.log_w().shape == (2, 512)
    assert_close(terms.log_w(), terms.log_px, rtol=0, atol=0)
    probability = terms.log_w().exp()
    assert_close(probability.sum(1), torch.ones(2, **F64))
    assert float(probability[0].max() / probability[0].min()) > 3
    drawn = vae.decoder(terms.z).sample()
    assert drawn.shape == (2, 512, 1, 3, 3)
    on = every.flatten(1)
    mean = probability[0] @ on
    error = (mean * (1 - mean) / 1024).sqrt()
    assert float(((drawn.flatten(0, 1).flatten(1).mean(0) - mean) / error).abs().max()) < 4.5


def test_impossible_sizes_are_refused():
    with pytest.raises(UserError, match=r"architecture\.channels=0 and architecture\.kernels=\[3"):
        architecture("pixelcnn", channels=0, kernels=[3])

using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>The plain network that recipes compare with: linear layers with ReLU, weights Kaiming-normal, biases 0.</summary>
internal static class ReluPerceptron
{
    /// <summary>A network with fresh weights from torch's generator, the last layer linear.</summary>
    /// <param name="inputs">Numbers in.</param>
    /// <param name="width">Width of the hidden layers.</param>
    /// <param name="depth">Hidden layers.</param>
    /// <param name="outputs">Numbers out.</param>
    public static Sequential Create(long inputs, long width, int depth, long outputs)
    {
        using var off = no_grad();
        var layers = new List<nn.Module<Tensor, Tensor>>();
        for (var i = 0; i <= depth; i++)
        {
            var from = i == 0 ? inputs : width;
            var layer = nn.Linear(from, i == depth ? outputs : width);
            layer.weight.normal_(0, Math.Sqrt(2.0 / from));
            layer.bias!.zero_();
            layers.Add(layer);
            if (i < depth) layers.Add(nn.ReLU());
        }
        return nn.Sequential(layers);
    }
}

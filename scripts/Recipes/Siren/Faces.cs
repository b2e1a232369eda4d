using TorchZoo.Models.Fields;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Cartoon faces: a family of images with much in common, each drawn from some twenty random numbers.</summary>
internal static class Faces
{
    /// <summary>Faces in colour, with soft edges.</summary>
    /// <param name="count">How many.</param>
    /// <param name="side">Pixels along a side.</param>
    /// <param name="seed">Where the numbers come from.</param>
    /// <returns>(count, 3, side, side) in [−1, 1], float32.</returns>
    public static Tensor Draw(long count, long side, ulong seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed);
        var grid = FieldCoordinates.Grid([side, side]).reshape(side, side, 2);
        var (y, x) = (grid.select(2, 0), grid.select(2, 1));
        // Centre and size of the head.
        var (cx, cy, w, h) = (Between(-0.15, 0.15), Between(-0.1, 0.1), Between(0.38, 0.52), Between(0.52, 0.66));
        var (u, v) = (x - cx, y - cy);

        var image = Color(0.1, 0.95).expand(-1, -1, side, side);
        var hair = Color(0.05, 0.8);
        var skin = Mix(tensor(new[] { 0.98f, 0.84f, 0.72f }), tensor(new[] { 0.42f, 0.26f, 0.16f }), Between(0, 1));
        Paint(Ellipse(u, v - Between(0, 0.3), w * 1.2, h * 1.2), hair);
        Paint(Ellipse(u, y - 1.2, Between(0.6, 0.9), Between(0.42, 0.62)), Color(0.1, 0.9));
        Paint(Ellipse(u, v, w, h), skin);
        // The fringe ends in a slanted line.
        Paint(maximum(Ellipse(u, v, w * 1.06, h * 1.06), v + h * Between(0.35, 0.6) + u * Between(-0.5, 0.5)), hair);
        var (apart, up, eye) = (w * Between(0.36, 0.5), h * Between(0.02, 0.2), Between(0.09, 0.14));
        var look = Between(-0.04, 0.04);
        var iris = Mix(tensor(new[] { 0.2f, 0.45f, 0.8f }), tensor(new[] { 0.25f, 0.12f, 0.05f }), Between(0, 1));
        var (lift, tilt) = (Between(0.14, 0.22), Between(-0.4, 0.4));
        foreach (var sign in new[] { -1, 1 })
        {
            var (eu, ev) = (u - sign * apart, v + up);
            Paint(Ellipse(eu, ev, eye * 1.25, eye), ones(3));
            Paint(Ellipse(eu - look, ev, eye * 0.6, eye * 0.6), iris);
            Paint(maximum((ev + lift + sign * tilt * eu).abs() - 0.03, eu.abs() - eye * 1.3), hair * 0.6);
        }
        Paint(Ellipse(u, v - h * 0.2, Between(0.04, 0.06), Between(0.06, 0.12)), skin * 0.8);
        var (mouth, smile) = (w * Between(0.3, 0.6), Between(-0.8, 1.2));
        Paint(maximum((v - h * 0.55 + smile * (u.square() - 0.5 * mouth.square())).abs() - Between(0.025, 0.07), u.abs() - mouth),
            Mix(tensor(new[] { 0.75f, 0.15f, 0.2f }), tensor(new[] { 0.4f, 0.1f, 0.1f }), Between(0, 1)));
        return (2 * image - 1).contiguous().MoveToOuterDisposeScope();

        Tensor Between(double low, double high) => rand([count, 1, 1], generator: generator) * (high - low) + low;
        Tensor Color(double low, double high) => rand([count, 3, 1, 1], generator: generator) * (high - low) + low;
        Tensor Mix(Tensor a, Tensor b, Tensor share) => a.reshape(1, 3, 1, 1).lerp(b.reshape(1, 3, 1, 1), share.unsqueeze(1));

        // Below 0 inside; near the edge about the distance from it.
        static Tensor Ellipse(Tensor x, Tensor y, Tensor a, Tensor b) => (((x / a).square() + (y / b).square()).sqrt() - 1) * minimum(a, b);

        // Covers the pixels of a negative distance, those on the edge in part.
        void Paint(Tensor distance, Tensor color)
        {
            var cover = (0.5 - distance * (side / 2.0)).clamp(0, 1).unsqueeze(1);
            image = image + (color.reshape(-1, 3, 1, 1) - image) * cover;
        }
    }
}
